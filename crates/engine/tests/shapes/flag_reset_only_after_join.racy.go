// Races: the flag is reset while the goroutine of the last turn still runs.
package main

import (
	"sync"
	"time"
)

func lead(turns []bool) {
	var (
		wg      sync.WaitGroup
		stop    chan struct{}
		running bool
	)
	for _, leader := range turns {
		if leader && !running {
			stop = make(chan struct{}) // want "RACE001"
			wg.Add(1)
			go func() {
				defer wg.Done()
				<-stop // want "RACE001"
			}()
			running = true
		} else if !leader && running {
			close(stop)
			running = false
		}
	}
}

func main() {
	lead([]bool{true, false, true, false})
	time.Sleep(time.Millisecond)
}
