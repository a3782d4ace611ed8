// Races: the array has room for more, and both goroutines append into it.
package main

import "sync"

var defaults = make([]int, 3, 8)

func sum(options ...int) int {
	n := 0
	for _, o := range options {
		n += o
	}
	return n
}

func main() {
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() { sum(append(defaults, i)...) }) // want "RACE001"
	}
	wg.Wait()
}
