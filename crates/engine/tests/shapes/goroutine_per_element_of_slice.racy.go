// Races: the one worker made before the loop is appended each time, so that all goroutines count in it.
package main

import "sync"

type worker struct {
	turns int
	wg    *sync.WaitGroup
}

func (w *worker) run() {
	defer w.wg.Done()
	for range 9 {
		w.turns++ // want "RACE001"
	}
}

func main() {
	var wg sync.WaitGroup
	var workers []*worker
	w := &worker{wg: &wg}
	for range 3 {
		workers = append(workers, w)
	}
	wg.Add(len(workers))
	for _, w := range workers {
		go w.run()
	}
	wg.Wait()
}
