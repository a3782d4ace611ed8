// Breaks its convention: the service looks into the map of the store without its lock.
package p

import "sync"

type Store struct {
	mu    sync.RWMutex
	names map[string]int
}

func (s *Store) Set(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[name] = 1
}

func (s *Store) Get(name string) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.names[name]
}

func (s *Store) Del(name string) {
	s.mu.Lock()
	delete(s.names, name)
	s.mu.Unlock()
}

type Service struct{ store *Store }

func New() *Service { return &Service{&Store{names: map[string]int{}}} }

func (v *Service) Has(name string) bool { return v.store.names[name] > 0 } // want "MAP011"
func (v *Service) Put(name string)      { v.store.Set(name) }
func (v *Service) Drop(name string)     { v.store.Del(name) }
