// The time is read under the lock that its writer holds; two times of one struct are two fields.
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
	s.last = time.Now()
	s.mu.Unlock()
}

func (s *stats) age() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.last)
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
