// Races: the element stays in the list while it is used.
package main

import "sync"

type buffer struct{ bytes []byte }

var free struct {
	mu   sync.Mutex
	list []*buffer
}

func use(b []byte) {
	free.mu.Lock()
	var x *buffer
	if n := len(free.list); n > 0 {
		x = free.list[n-1]
	} else {
		x = &buffer{}
	}
	free.mu.Unlock()
	x.bytes = append(x.bytes[:0], b...) // want "RACE001"
	if len(b) > 1 {
		free.mu.Lock()
		free.list = append(free.list, x)
		free.mu.Unlock()
	}
}

func main() {
	var wg sync.WaitGroup
	use([]byte("aa"))
	for range 4 {
		wg.Go(func() { use([]byte("b")) })
	}
	wg.Wait()
}
