// Races: the method of that name locks nothing.
package main

import "sync"

type reader interface {
	RLock()
	RUnlock()
	count() int
}

type view struct {
	mu sync.RWMutex
	n  int
}

func (v *view) RLock()     {}
func (v *view) RUnlock()   {}
func (v *view) count() int { return v.n } // want "RACE001"

type snapshot struct{ n int }

func (s *snapshot) RLock()     {}
func (s *snapshot) RUnlock()   {}
func (s *snapshot) count() int { return s.n }

type store struct{ view *view }

func (s *store) read() reader   { return s.view }
func (s *store) copied() reader { return &snapshot{n: 1} }

func look(r reader) int {
	r.RLock()
	defer r.RUnlock()
	return r.count()
}

func main() {
	s := &store{view: &view{}}
	done := make(chan bool)
	go func() {
		s.view.mu.Lock()
		s.view.n++ // want "RACE001"
		s.view.mu.Unlock()
		done <- true
	}()
	println(look(s.read()), look(s.copied()))
	<-done
}
