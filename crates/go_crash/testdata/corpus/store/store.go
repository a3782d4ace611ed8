// Package store has the frames that a real service has: methods, generics, closures.
package store

import "sync"

// Store is a map behind a mutex, when the mutex is used.
type Store[K comparable, V any] struct {
	Mu      sync.Mutex
	Entries map[K]V
}

// New makes one.
func New[K comparable, V any]() *Store[K, V] {
	return &Store[K, V]{Entries: map[K]V{}}
}

// Put takes the mutex.
func (s *Store[K, V]) Put(k K, v V) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.Entries[k] = v
}

// PutBare does not.
//
//go:noinline
func (s *Store[K, V]) PutBare(k K, v V) {
	s.Entries[k] = v
}

// Each calls f under the mutex.
func (s *Store[K, V]) Each(f func(K, V)) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	for k, v := range s.Entries {
		f(k, v)
	}
}
