// Each goroutine gets an object of its own: every iteration appends a new one, and each is started once.
package main

import "sync"

type worker struct {
	turns int
	wg    *sync.WaitGroup
}

func (w *worker) run() {
	defer w.wg.Done()
	for range 9 {
		w.turns++
	}
}

func main() {
	var wg sync.WaitGroup
	var workers []*worker
	for range 3 {
		workers = append(workers, &worker{wg: &wg})
	}
	wg.Add(len(workers))
	for _, w := range workers {
		go w.run()
	}
	wg.Wait()
}
