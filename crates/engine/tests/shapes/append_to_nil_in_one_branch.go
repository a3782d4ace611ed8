// The local is nil where it is appended to; the shared slice is assigned in the other branch.
package main

import "sync"

var cache = make([]int, 1, 8)

func list(fresh bool) int {
	var out []int
	if fresh {
		out = append(out, 1)
	} else {
		out = cache
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
