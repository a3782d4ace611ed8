// Races: the callback runs without the lock.
package main

import (
	"sync"
	"time"
)

type batches struct {
	mu    sync.Mutex
	timer *time.Timer
}

type stream struct {
	mu      sync.Mutex
	batches *batches
}

func (b *batches) arm() {
	b.timer = time.AfterFunc(0, func() { // want "RACE001"
		b.timer = nil // want "RACE001"
	})
}

func (s *stream) put(bad bool) {
	s.mu.Lock()
	if s.batches == nil {
		s.batches = &batches{}
	}
	b := s.batches
	b.mu.Lock()
	if bad {
		b.mu.Unlock()
		s.mu.Unlock()
		return
	}
	b.arm()
	b.mu.Unlock()
	s.mu.Unlock()
}

func main() {
	s := &stream{}
	s.put(false)
	s.put(true)
	time.Sleep(5 * time.Millisecond)
}
