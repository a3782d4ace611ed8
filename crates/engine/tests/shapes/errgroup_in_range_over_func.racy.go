// Races: the goroutines started in the body write the map without the lock.
package main

import (
	"slices"

	"golang.org/x/sync/errgroup"
)

func sizes(names []string) (map[string]int, error) {
	var group errgroup.Group
	out := map[string]int{}
	for chunk := range slices.Chunk(names, 2) {
		group.Go(func() error {
			for _, name := range chunk {
				out[name] = len(name) // want "MAP001"
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
