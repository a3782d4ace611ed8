// Joined within the iteration: the WaitGroup is made and awaited in the loop body.
package main

import (
	"errors"
	"sync"
)

func migrate(folders []string) (int, error) {
	total := 0
	for _, folder := range folders {
		files := make(chan int)
		var wg sync.WaitGroup
		wg.Go(func() {
			n := 0
			for range files {
				n++
			}
			total += n
		})
		if folder == "" {
			return 0, errors.New("no folder")
		}
		files <- 1
		close(files)
		wg.Wait()
	}
	return total, nil
}

func main() {
	_, _ = migrate([]string{"a", "b", "c"})
}
