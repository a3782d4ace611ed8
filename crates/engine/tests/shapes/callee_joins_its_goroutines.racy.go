// Races: the callee returns while its goroutines still write.
package main

import "sync"

func release(locks []string) {
	var wg sync.WaitGroup
	wg.Add(len(locks))
	for i := range locks {
		go func(i int) {
			defer wg.Done()
			locks[i] = "" // want "RACE001"
		}(i)
	}
}

func main() {
	locks := []string{"a", "b"}
	release(locks)
	locks[0] = "c" // want "RACE001"
}
