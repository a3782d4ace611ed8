// Races: the token is declared outside of the loop, so that all goroutines page with one.
package main

import "sync"

func page(token string) string { return token + "x" }

func describe(ids []string) {
	var wg sync.WaitGroup
	token := ""
	for range ids {
		wg.Go(func() {
			token = page("") // want "RACE001"
		})
	}
	wg.Wait()
	println(token)
}

func main() {
	describe([]string{"a", "b"})
}
