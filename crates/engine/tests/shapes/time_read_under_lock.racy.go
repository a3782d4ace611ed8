// Races: the time is read without the lock.
package main

import (
	"sync"
	"time"
)

type stats struct {
	mu    sync.Mutex
	first time.Time
	last  time.Time
}

func (s *stats) connect() {
	s.mu.Lock()
	s.last = time.Now() // want "RACE001"
	s.mu.Unlock()
}

func (s *stats) age() time.Duration {
	return time.Since(s.last) // want "RACE001"
}

func main() {
	s := &stats{first: time.Now()}
	done := make(chan bool)
	go func() {
		s.connect()
		done <- true
	}()
	println(s.age() > 0, s.first.IsZero())
	<-done
}
