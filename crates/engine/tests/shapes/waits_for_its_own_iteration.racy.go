// Races: the goroutines of all iterations are awaited only after the loop.
package main

import (
	"errors"
	"sync"
)

func migrate(folders []string) (int, error) {
	total := 0
	var wg sync.WaitGroup
	for _, folder := range folders {
		files := make(chan int)
		wg.Go(func() {
			n := 0
			for range files {
				n++
			}
			total += n // want "RACE001"
		})
		if folder == "" {
			return 0, errors.New("no folder")
		}
		files <- 1
		close(files)
	}
	wg.Wait()
	return total, nil
}

func main() {
	_, _ = migrate([]string{"a", "b", "c"})
}
