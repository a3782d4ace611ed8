// The goroutines of the loop write the map under a lock, and it is read after all are done.
package main

import "sync"

func remove(peers []string) int {
	var (
		mu   sync.Mutex
		wg   sync.WaitGroup
		errs = make(map[string]error, len(peers))
	)
	for _, peer := range peers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			mu.Lock()
			errs[peer] = nil
			mu.Unlock()
		}()
	}
	wg.Wait()
	return len(errs)
}

func main() {
	println(remove([]string{"a", "b", "c"}))
}
