// Races: the condition has a mutex of its own, which the other goroutine does not take.
package main

import "sync"

type fifo struct {
	mu    sync.Mutex
	other sync.Mutex
	ready *sync.Cond
	queue []int
}

func newFifo() *fifo {
	f := &fifo{}
	f.ready = sync.NewCond(&f.other)
	return f
}

func (f *fifo) add(v int) {
	f.mu.Lock()
	f.queue = append(f.queue, v) // want "RACE001"
	f.mu.Unlock()
	f.ready.Signal()
}

func (f *fifo) run(done chan<- bool) {
	f.ready.L.Lock()
	f.queue = nil // want "RACE001"
	f.ready.L.Unlock()
	done <- true
}

func main() {
	f := newFifo()
	done := make(chan bool)
	go f.run(done)
	f.add(1)
	<-done
}
