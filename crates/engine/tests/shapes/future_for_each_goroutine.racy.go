// Races: only a long error gets another future.
package main

import "time"

type future struct {
	err  string
	done chan struct{}
}

func newFuture() *future { return &future{done: make(chan struct{})} }

func (f *future) set(err string) {
	f.err = err // want "RACE001"
	time.Sleep(time.Millisecond)
}

func main() {
	next := newFuture()
	for _, err := range []string{"a", "b", "c"} {
		full := next
		if len(err) > 9 {
			next = newFuture()
		}
		go full.set(err)
	}
	time.Sleep(5 * time.Millisecond)
}
