// Races: the flag is set without awaiting the worker.
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
		w.err = nil // want "RACE001"
	}
}

func (w *writer) finish() error {
	if w.closed {
		return nil
	}
	close(w.tasks)
	w.closed = true
	return w.err // want "RACE001"
}

func main() {
	w := &writer{tasks: make(chan int)}
	w.wg.Add(1)
	go w.run()
	w.tasks <- 1
	_ = w.finish()
	_ = w.finish()
}
