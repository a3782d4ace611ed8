// All that wait are sent the future; two goroutines set it.
package main

import "time"

type future struct {
	err  string
	done chan struct{}
}

func newFuture() *future { return &future{done: make(chan struct{})} }

func (f *future) set(err string) {
	f.err = err // want "RACE001"
	select {
	case f.done <- struct{}{}:
	default:
	}
}

func batch(asked chan chan *future, tick chan bool) {
	next := newFuture()
	for {
		select {
		case w := <-asked:
			w <- next
		case more := <-tick:
			full := next
			_ = newFuture()
			go full.set("late")
			if !more {
				return
			}
		}
	}
}

func main() {
	asked, tick := make(chan chan *future), make(chan bool)
	go batch(asked, tick)
	for i := range 3 {
		w := make(chan *future, 1)
		asked <- w
		f := <-w
		tick <- i < 2
		_ = f.done
		_ = f
	}
	time.Sleep(5 * time.Millisecond)
}
