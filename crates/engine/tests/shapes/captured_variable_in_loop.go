// The goroutine gets a copy of the variable that the loop assigns.
package main

import "sync"

func report(urls []string) {
	var wg sync.WaitGroup
	url := ""
	for _, u := range urls {
		to := url
		wg.Go(func() { println(to) })
		url = u
	}
	wg.Wait()
}

func main() {
	report([]string{"a", "b", "c"})
}
