// Breaks its convention: the lock is given back before the map is read.
package p

import "sync"

type engine struct {
	mu    sync.RWMutex
	names map[string]int
}

type Server struct{ engine *engine }

func New() *Server { return &Server{&engine{names: map[string]int{}}} }

func (s *Server) current() *engine { return s.engine }

func (s *Server) Has(name string) bool {
	if e := s.current(); e != nil {
		e.mu.RLock()
		e.mu.RUnlock()
	}
	return s.hasLocked(name)
}

func (s *Server) hasLocked(name string) bool {
	e := s.current()
	return e != nil && e.names[name] > 0 // want "MAP011"
}

func (s *Server) Add(name string) {
	e := s.current()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.names[name]++
}

func (s *Server) Drop(name string) {
	e := s.current()
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.names, name)
}

func (s *Server) Len() int {
	e := s.current()
	e.mu.RLock()
	defer e.mu.RUnlock()
	return len(e.names)
}
