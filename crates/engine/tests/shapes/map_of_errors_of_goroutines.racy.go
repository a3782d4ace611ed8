// Races: the goroutines of the loop write the map without a lock.
package main

import "sync"

func remove(peers []string) int {
	var (
		wg   sync.WaitGroup
		errs = make(map[string]error, len(peers))
	)
	for _, peer := range peers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			errs[peer] = nil // want "MAP001"
		}()
	}
	wg.Wait()
	return len(errs)
}

func main() {
	println(remove([]string{"a", "b", "c"}))
}
