// Races: the state that is read without the lock is the one in the store.
package main

import "sync"

type State struct{ Pending map[int]int }

type Store struct {
	mu    sync.Mutex
	state State
}

func (s *Store) Ack(id int) {
	s.mu.Lock()
	delete(s.state.Pending, id) // want "MAP001"
	s.mu.Unlock()
}

func (s *Store) Put(id int) {
	s.mu.Lock()
	s.state.Pending[id] = id // want "MAP001"
	s.mu.Unlock()
}

func (s *Store) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.state.Pending)
}

func (s *Store) Force(st *State) {
	pending := make(map[int]int, len(st.Pending)) // want "MAP001"
	for id, v := range st.Pending {               // want "MAP001"
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
	s.Force(&s.state)
	s.Len()
	<-done
}
