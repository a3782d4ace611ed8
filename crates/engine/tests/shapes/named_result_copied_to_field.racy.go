// Races: the reader takes no lock.
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
		l.err = result // want "RACE001"
		l.mu.Unlock()
	}()
	for {
		if err := next(); err != nil {
			return err
		}
	}
}

func (l *loop) failure() error {
	return l.err // want "RACE001"
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
