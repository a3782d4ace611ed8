// The last of the callbacks closes the channel: all that they wrote before the atomic decrement comes before the receive.
package main

import (
	"sync"
	"sync/atomic"
	"time"
)

func produce(items []int, async func(int, func(int))) []int {
	var (
		mu      sync.Mutex
		results []int
		left    atomic.Int64
		done    = make(chan struct{})
	)
	left.Store(int64(len(items)))
	for _, item := range items {
		async(item, func(v int) {
			mu.Lock()
			results = append(results, v)
			mu.Unlock()
			if left.Add(-1) == 0 {
				close(done)
			}
		})
	}
	select {
	case <-time.After(time.Second):
		return nil
	case <-done:
		return results
	}
}

func main() {
	println(len(produce([]int{1, 2, 3}, func(v int, done func(int)) { go done(v) })))
}
