// The variables are written only while the flag is false, and the flag becomes false only after the goroutines are awaited.
package main

import "sync"

func lead(turns []bool) {
	var (
		wg      sync.WaitGroup
		stop    chan struct{}
		running bool
	)
	for _, leader := range turns {
		if leader && !running {
			stop = make(chan struct{})
			wg.Add(1)
			go func() {
				defer wg.Done()
				<-stop
			}()
			running = true
		} else if !leader && running {
			close(stop)
			wg.Wait()
			running = false
		}
	}
}

func main() {
	lead([]bool{true, false, true, false})
}
