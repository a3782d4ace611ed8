// Each goroutine has an error variable of its own.
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
			n, err := work(i)
			println(n, err != nil)
		})
	}
	wg.Wait()
	return err
}

func main() {
	_ = refresh()
}
