// Races: the goroutine captures the variable that the loop goes on to assign.
package main

import "sync"

func report(urls []string) {
	var wg sync.WaitGroup
	url := ""
	for _, u := range urls {
		wg.Go(func() { println(url) }) // want "RACE001"
		url = u                        // want "RACE001"
	}
	wg.Wait()
}

func main() {
	report([]string{"a", "b", "c"})
}
