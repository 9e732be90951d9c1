// Package server serves a store over HTTP.
package server

import (
	"io"
	"net/http"
	"strings"
	"time"

	"example.org/kv/store"
)

const maxBody = 1 << 20

type Handler struct {
	store  *store.Store
	tokens map[string]bool
}

// ServeHTTP answers GET and PUT of a key.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.authorised(r) {
		http.Error(w, "unauthorised", http.StatusUnauthorized)
		return
	}
	key := strings.TrimPrefix(r.URL.Path, "/keys/")
	switch r.Method {
	case http.MethodGet:
		h.get(w, key)
	case http.MethodPut:
		h.put(w, r, key)
	default:
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	}
}

func (h *Handler) authorised(r *http.Request) bool {
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return found && h.tokens[token]
}

func (h *Handler) get(w http.ResponseWriter, key string) {
	value, err := h.store.Get(key)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	_, _ = w.Write(value)
}

func (h *Handler) put(w http.ResponseWriter, r *http.Request, key string) {
	// A body without a limit would let one client fill the memory.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	ttl, _ := time.ParseDuration(r.URL.Query().Get("ttl"))
	if err := h.store.Put(key, body, ttl); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
