// The deferred function copies the named result into the field under the lock; the local error that is returned is another variable.
package main

import (
	"errors"
	"sync"
)

type loop struct {
	mu  sync.Mutex
	err error
}

func (l *loop) run(next func() error) (result error) {
	defer func() {
		l.mu.Lock()
		l.err = result
		l.mu.Unlock()
	}()
	for {
		if err := next(); err != nil {
			return err
		}
	}
}

func (l *loop) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func main() {
	l := &loop{}
	done := make(chan bool)
	go func() {
		_ = l.run(func() error { return errors.New("end") })
		done <- true
	}()
	_ = l.failure()
	<-done
}
