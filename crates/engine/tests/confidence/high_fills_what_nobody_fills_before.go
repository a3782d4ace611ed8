// high: the first two to ask make it.
package main

import (
	"sync"
	"time"
)

type client struct{ timeout time.Duration }

type server struct{ client *client }

func newServer() *server { return &server{} }

func (s *server) get() *client {
	if s.client == nil {
		s.client = &client{timeout: time.Second}
	}
	return s.client
}

func main() {
	s := newServer()
	var wg sync.WaitGroup
	for range 2 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			_ = s.get()
		}()
	}
	wg.Wait()
}
