// Wait stands among the results of the return that hands the map out, so that the caller reads after all goroutines.
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
			sizes[key] = len(key)
			mu.Unlock()
			return nil
		})
	}
	return sizes, group.Wait()
}

func main() {
	sizes, err := list(context.Background(), []string{"a", "bb"})
	if err != nil {
		return
	}
	for key := range sizes {
		println(key)
	}
}
