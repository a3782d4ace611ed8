// Each goroutine writes the element at its own key of a map that is filled before.
package main

import "sync"

type counter struct{ n int }

func count(names map[string]int, byName map[string]*counter) {
	var wg sync.WaitGroup
	for name := range names {
		byName[name] = &counter{}
	}
	for name := range names {
		wg.Add(1)
		go func() {
			defer wg.Done()
			byName[name].n++
		}()
	}
	wg.Wait()
}

func main() {
	count(map[string]int{"a": 1, "b": 2}, map[string]*counter{})
}
