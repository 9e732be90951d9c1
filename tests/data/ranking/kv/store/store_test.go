package store

import "testing"

func TestGetAfterPut(t *testing.T) {
	s, _ := Open(t.TempDir())
	_ = s.Put("a", []byte("1"), 0)
	if value, err := s.Get("a"); err != nil || string(value) != "1" {
		t.Fatal(value, err)
	}
}

func TestExpiredKeyIsNotFound(t *testing.T) {}

func TestReplayCutsTornRecord(t *testing.T) {}
