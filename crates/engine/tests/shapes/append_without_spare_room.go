// The slice is a literal, so that its length is its capacity: append writes to a new array.
package main

import "sync"

var defaults = []int{1, 2, 3}

func sum(options ...int) int {
	n := 0
	for _, o := range append(options, 9) {
		n += o
	}
	return n
}

func main() {
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() { sum(append(defaults, i)...) })
		wg.Go(func() { sum(defaults...) })
	}
	wg.Wait()
}
