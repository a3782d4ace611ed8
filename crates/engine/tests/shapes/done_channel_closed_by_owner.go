// The read stands in the case that receives from a copy of the channel that the goroutine closes by its owner in a deferred call.
package main

import (
	"sync"
	"time"
)

type owner struct{ mu sync.Mutex }

type stream struct {
	owner *owner
	done  chan struct{}
	err   error
}

func (o *owner) closeStream(s *stream) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(s.done)
}

func (s *stream) run(in <-chan error) {
	defer func() { s.owner.closeStream(s) }()
	for err := range in {
		s.err = err
	}
}

func use(o *owner, in chan error) error {
	s := &stream{owner: o, done: make(chan struct{})}
	go s.run(in)
	done := s.done
	select {
	case <-done:
		return s.err
	case <-time.After(time.Second):
		return nil
	}
}

func main() {
	in := make(chan error, 1)
	in <- nil
	close(in)
	_ = use(&owner{}, in)
}
