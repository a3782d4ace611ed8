// The callee waits for its goroutines before it returns, so that its caller may use the slice again.
package main

import "sync"

func release(locks []string) {
	var wg sync.WaitGroup
	wg.Add(len(locks))
	for i := range locks {
		go func(i int) {
			defer wg.Done()
			locks[i] = ""
		}(i)
	}
	wg.Wait()
}

func main() {
	locks := []string{"a", "b"}
	release(locks)
	locks[0] = "c"
	release(locks)
}
