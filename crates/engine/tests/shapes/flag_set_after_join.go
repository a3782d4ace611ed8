// The unlocked read stands under a flag that the same goroutine sets only after it has awaited the worker.
package main

import "sync"

type writer struct {
	wg     sync.WaitGroup
	tasks  chan int
	closed bool
	err    error
}

func (w *writer) run() {
	defer w.wg.Done()
	for range w.tasks {
		if w.err == nil {
			w.err = nil
		}
	}
}

func (w *writer) finish() error {
	if w.closed {
		return w.err
	}
	close(w.tasks)
	w.wg.Wait()
	w.closed = true
	return w.err
}

func main() {
	w := &writer{tasks: make(chan int)}
	w.wg.Add(1)
	go w.run()
	w.tasks <- 1
	_ = w.finish()
	_ = w.finish()
}
