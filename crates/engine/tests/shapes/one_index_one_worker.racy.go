// Races: every worker takes the first element, whatever its index.
package main

import (
	"runtime"
	"sync"
)

type workload struct{ labels map[string]string }

func (w *workload) label() {
	w.labels["state"] = "done" // want "MAP001"
}

func parallel(n int, f func(int)) {
	indices := make(chan int, n)
	for i := range n {
		indices <- i
	}
	close(indices)
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range indices {
				f(i)
				runtime.Gosched()
			}
		}()
	}
	wg.Wait()
}

func main() {
	var all []*workload
	for range 8 {
		all = append(all, &workload{labels: map[string]string{}})
	}
	parallel(len(all), func(i int) { all[0].label() })
}
