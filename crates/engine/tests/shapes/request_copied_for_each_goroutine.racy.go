// Races: the goroutines set the field of the captured parameter, and read it.
package main

import "sync"

type request struct{ id string }

func send(r request) { println(r.id) }

func all(r request, ids []string) {
	var wg sync.WaitGroup
	for _, id := range ids {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r.id = id // want "RACE001"
			send(r)
		}()
	}
	wg.Wait()
}

func main() {
	all(request{}, []string{"a", "b"})
}
