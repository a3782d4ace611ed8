// medium: of the goroutines one has the number.
package main

import "sync"

func main() {
	var wg sync.WaitGroup
	first := ""
	for i := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if i == 0 {
				first = "a"
			}
		}()
	}
	wg.Wait()
	_ = first
}
