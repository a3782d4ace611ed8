// The reader locks through an interface whose only value here is the type with the real lock; the type that locks nothing is not in play.
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

func (v *view) RLock()     { v.mu.RLock() }
func (v *view) RUnlock()   { v.mu.RUnlock() }
func (v *view) count() int { return v.n }

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
		s.view.n++
		s.view.mu.Unlock()
		done <- true
	}()
	println(look(s.read()), look(s.copied()))
	<-done
}
