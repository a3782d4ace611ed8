// Races: every key leads to the same counter.
package main

import "sync"

type counter struct{ n int }

func count(names map[string]int, byName map[string]*counter) {
	var wg sync.WaitGroup
	one := &counter{}
	for name := range names {
		byName[name] = one
	}
	for name := range names {
		wg.Add(1)
		go func() {
			defer wg.Done()
			byName[name].n++ // want "RACE001"
		}()
	}
	wg.Wait()
}

func main() {
	count(map[string]int{"a": 1, "b": 2}, map[string]*counter{})
}
