// All that wait are sent the future; the goroutine that sets it gets it when the next one has been made.
package main

import "time"

type future struct {
	err  string
	done chan struct{}
}

func newFuture() *future { return &future{done: make(chan struct{})} }

func (f *future) set(err string) {
	f.err = err
	close(f.done)
}

func batch(asked chan chan *future, tick chan bool) {
	next := newFuture()
	for {
		select {
		case w := <-asked:
			w <- next
		case more := <-tick:
			full := next
			next = newFuture()
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
		<-f.done
		_ = f.err
	}
	time.Sleep(5 * time.Millisecond)
}
