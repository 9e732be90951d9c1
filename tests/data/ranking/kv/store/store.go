// Package store keeps keys and values in memory and on disk.
package store

import (
	"errors"
	"sync"
	"time"
)

// ErrNotFound says that a key does not exist, or no longer.
var ErrNotFound = errors.New("key not found")

type entry struct {
	value   []byte
	expires time.Time
}

// Store is a map that many goroutines may use.
type Store struct {
	mu      sync.RWMutex
	entries map[string]entry
	log     *Log
}

// Open reads the log of a directory and returns the store that it describes.
func Open(dir string) (*Store, error) {
	log, err := openLog(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{entries: map[string]entry{}, log: log}
	return s, log.replay(s.apply)
}

// Get returns the value of a key.
func (s *Store) Get(key string) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, ok := s.entries[key]
	if !ok || e.isExpired(time.Now()) {
		return nil, ErrNotFound
	}
	return e.value, nil
}

// Put sets the value of a key, for good if ttl is zero.
func (s *Store) Put(key string, value []byte, ttl time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := entry{value: value}
	if ttl > 0 {
		e.expires = time.Now().Add(ttl)
	}
	s.entries[key] = e
	return s.log.append(key, e)
}

func (e entry) isExpired(now time.Time) bool {
	return !e.expires.IsZero() && now.After(e.expires)
}

func (s *Store) apply(key string, e entry) {
	s.entries[key] = e
}

// sweep removes what has expired, every interval, until stop is closed.
func (s *Store) sweep(interval time.Duration, stop <-chan struct{}) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-ticker.C:
			s.mu.Lock()
			for key, e := range s.entries {
				if e.isExpired(now) {
					delete(s.entries, key)
				}
			}
			s.mu.Unlock()
		}
	}
}
