// Races: the goroutines assign the one result variable of the function.
package main

import (
	"errors"
	"sync"
)

func work(i int) (int, error) { return i, errors.New("none") }

func refresh() (err error) {
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			_, err = work(i) // want "RACE001"
		})
	}
	wg.Wait()
	return err
}

func main() {
	_ = refresh()
}
