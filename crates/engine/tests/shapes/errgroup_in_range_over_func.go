// The goroutines are started in the body of a range over a function, and awaited after it.
package main

import (
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

func sizes(names []string) (map[string]int, error) {
	var group errgroup.Group
	var mu sync.Mutex
	out := map[string]int{}
	for chunk := range slices.Chunk(names, 2) {
		group.Go(func() error {
			for _, name := range chunk {
				mu.Lock()
				out[name] = len(name)
				mu.Unlock()
			}
			return nil
		})
	}
	return out, group.Wait()
}

func main() {
	out, _ := sizes([]string{"a", "bb", "ccc"})
	for name := range out {
		println(name)
	}
}
