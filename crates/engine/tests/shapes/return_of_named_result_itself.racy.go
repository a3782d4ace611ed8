// Races: the return statement stores nil in the named result that the goroutine reads.
package main

import (
	"errors"
	"sync"
	"time"
)

func prepare(bad bool) (wg *sync.WaitGroup, err error) {
	wg = &sync.WaitGroup{}
	wg.Add(1)
	go func() {
		if wg != nil { // want "RACE001"
			wg.Done()
		}
	}()
	if bad {
		return nil, errors.New("bad") // want "RACE001"
	}
	return wg, nil
}

func main() {
	_, _ = prepare(true)
	time.Sleep(time.Millisecond)
}
