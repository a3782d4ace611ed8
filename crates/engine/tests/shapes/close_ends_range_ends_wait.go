// Ordered through third goroutines: the writer closes the channel, the workers leave their range at that, and Wait waits for them.
package main

import "sync"

func main() {
	sent := 0
	requests := make(chan int)
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range requests {
			}
		}()
	}
	go func() {
		for i := range 9 {
			sent++
			requests <- i
		}
		close(requests)
	}()
	wg.Wait()
	println(sent)
}
