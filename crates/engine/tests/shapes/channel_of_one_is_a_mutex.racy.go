// Races: two copies of the state, with one map, are in the channel.
package main

import "sync"

type state struct {
	names map[int]int
	next  int
}

type store struct{ state chan state }

func newStore() *store {
	s := &store{state: make(chan state, 2)}
	first := state{names: map[int]int{}}
	s.state <- first
	s.state <- first
	return s
}

func (s *store) add(v int) {
	st := <-s.state
	s.put(st, v)
}

func (s *store) put(st state, v int) {
	st.names[st.next] = v // want "MAP001"
	st.next++
	s.state <- st
}

func main() {
	s := newStore()
	var wg sync.WaitGroup
	for v := range 3 {
		wg.Go(func() { s.add(v) })
	}
	wg.Wait()
}
