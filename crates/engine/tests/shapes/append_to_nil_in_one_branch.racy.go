// Races: the append is to the shared slice, which has room for more.
package main

import "sync"

var cache = make([]int, 1, 8)

func list(fresh bool) int {
	out := cache
	if fresh {
		out = append(out, 1) // want "RACE001"
	}
	return len(out)
}

func main() {
	var wg sync.WaitGroup
	wg.Go(func() { list(true) })
	wg.Go(func() { list(true) })
	wg.Go(func() { list(false) })
	wg.Wait()
}
