// The L of the condition is the mutex it was made with, so that both goroutines hold one lock.
package main

import "sync"

type fifo struct {
	mu    sync.Mutex
	ready *sync.Cond
	queue []int
}

func newFifo() *fifo {
	f := &fifo{}
	f.ready = sync.NewCond(&f.mu)
	return f
}

func (f *fifo) add(v int) {
	f.mu.Lock()
	f.queue = append(f.queue, v)
	f.mu.Unlock()
	f.ready.Signal()
}

func (f *fifo) run(done chan<- bool) {
	f.ready.L.Lock()
	for len(f.queue) == 0 {
		f.ready.Wait()
	}
	f.queue = f.queue[1:]
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
