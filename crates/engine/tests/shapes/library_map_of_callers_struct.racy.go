// Breaks its convention: the map read without the lock is that of the store.
package p

import "sync"

type State struct{ Pending map[int]int }

type Store struct {
	mu    sync.Mutex
	state State
}

func New() *Store { return &Store{state: State{Pending: map[int]int{}}} }

func (s *Store) Ack(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.state.Pending, id)
}

func (s *Store) Put(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Pending[id] = id
}

func (s *Store) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.state.Pending)
}

func (s *Store) Compact() {
	pending := make(map[int]int)
	for id, v := range s.state.Pending { // want "MAP011"
		pending[id] = v
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Pending = pending
}
