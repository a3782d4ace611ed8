// The map read without the lock is in a struct that the caller passes; the guarded one is in the store.
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

func (s *Store) Force(st *State) {
	pending := make(map[int]int, len(st.Pending))
	for id, v := range st.Pending {
		pending[id] = v
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Pending = pending
}
