// Each goroutine sets the field of its own copy of the request.
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
			r := r
			r.id = id
			send(r)
		}()
	}
	wg.Wait()
}

func main() {
	all(request{}, []string{"a", "b"})
}
