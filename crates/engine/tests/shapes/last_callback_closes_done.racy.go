// Races: the results are read although the timer has run out and callbacks may follow.
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
			results = append(results, v) // want "RACE001"
			mu.Unlock()
			if left.Add(-1) == 0 {
				close(done)
			}
		})
	}
	select {
	case <-time.After(0):
	case <-done:
	}
	return results // want "RACE001"
}

func main() {
	println(len(produce([]int{1, 2, 3}, func(v int, done func(int)) { go done(v) })))
	time.Sleep(10 * time.Millisecond)
}
