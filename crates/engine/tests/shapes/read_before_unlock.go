// The delay is read under the lock, before it is given back.
package main

import "sync"

type tracker struct {
	mu    sync.Mutex
	delay int
}

func (t *tracker) next() int {
	t.mu.Lock()
	t.delay++
	d := t.delay
	t.mu.Unlock()
	return d
}

func main() {
	t := &tracker{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { t.next() })
	}
	wg.Wait()
}
