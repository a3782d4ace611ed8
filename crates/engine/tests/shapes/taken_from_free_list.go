// An element taken off the free list under its lock is its taker's alone until it is put back.
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
		free.list = free.list[:n-1]
	} else {
		x = &buffer{}
	}
	free.mu.Unlock()
	x.bytes = append(x.bytes[:0], b...)
	free.mu.Lock()
	free.list = append(free.list, x)
	free.mu.Unlock()
}

func main() {
	var wg sync.WaitGroup
	use([]byte("a"))
	for range 4 {
		wg.Go(func() { use([]byte("b")) })
	}
	wg.Wait()
}
