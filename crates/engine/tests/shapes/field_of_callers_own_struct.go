// The unlocked map is in a struct of the caller; the guarded one, of the same type, is a field of the store.
package main

import "sync"

type State struct{ Pending map[int]int }

type Store struct {
	mu    sync.Mutex
	state State
}

func (s *Store) Ack(id int) {
	s.mu.Lock()
	delete(s.state.Pending, id)
	s.mu.Unlock()
}

func (s *Store) Put(id int) {
	s.mu.Lock()
	s.state.Pending[id] = id
	s.mu.Unlock()
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
	s.state.Pending = pending
	s.mu.Unlock()
}

func main() {
	s := &Store{state: State{Pending: map[int]int{}}}
	done := make(chan bool)
	go func() {
		s.Put(1)
		s.Ack(1)
		done <- true
	}()
	s.Force(&State{Pending: map[int]int{2: 2}})
	s.Len()
	<-done
}
