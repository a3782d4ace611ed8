// Races: nobody waits for the goroutines before the caller ranges over the map.
package main

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
)

func list(ctx context.Context, keys []string) (map[string]int, error) {
	var mu sync.Mutex
	sizes := map[string]int{}
	group, _ := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, key := range keys {
		group.Go(func() error {
			mu.Lock()
			sizes[key] = len(key) // want "MAP001"
			mu.Unlock()
			return nil
		})
	}
	return sizes, nil
}

func main() {
	sizes, err := list(context.Background(), []string{"a", "bb"})
	if err != nil {
		return
	}
	for key := range sizes { // want "MAP001"
		println(key)
	}
}
