// The goroutine gets the future that was filled, the variable another one before.
package main

import "time"

type future struct {
	err  string
	done chan struct{}
}

func newFuture() *future { return &future{done: make(chan struct{})} }

func (f *future) set(err string) {
	f.err = err
	time.Sleep(time.Millisecond)
}

func main() {
	next := newFuture()
	for _, err := range []string{"a", "b", "c"} {
		full := next
		next = newFuture()
		go full.set(err)
	}
	time.Sleep(5 * time.Millisecond)
}
