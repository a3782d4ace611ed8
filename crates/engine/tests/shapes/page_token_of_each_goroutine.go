// Each goroutine pages with a token of its own.
package main

import "sync"

func page(token string) string { return token + "x" }

func describe(ids []string) {
	var wg sync.WaitGroup
	for range ids {
		wg.Go(func() {
			token := ""
			for len(token) < 3 {
				token = page(token)
			}
		})
	}
	wg.Wait()
}

func main() {
	describe([]string{"a", "b"})
}
