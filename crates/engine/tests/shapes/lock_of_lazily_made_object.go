// One local names the object, made on first use, in lock, call and unlock; the timer callback takes the same lock.
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
	b.timer = time.AfterFunc(time.Millisecond, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.timer != nil {
			b.timer = nil
		}
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
