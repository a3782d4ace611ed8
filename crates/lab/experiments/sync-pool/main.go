// Hazard 3: an object goes back into a sync.Pool with its map still filled, or still in use.
package main

import (
	"fmt"
	"os"
	"sync"
)

// Event is a pooled object with a map.
type Event struct {
	Labels map[int]int
}

var pool = sync.Pool{New: func() any { return &Event{Labels: make(map[int]int)} }}

const events = 10_000

func main() {
	switch os.Args[1] {
	case "stale":
		stale(false)
	case "reset":
		stale(true)
	case "after-put":
		produce(func(e *Event, n int, archive *sync.WaitGroup) {
			archive.Add(1)
			go func() {
				defer archive.Done()
				for i := 0; i < 20; i++ {
					e.Labels[i] = n
				}
			}()
			e.Labels[1] = n
			pool.Put(e)
		})
	case "exclusive":
		produce(func(e *Event, n int, _ *sync.WaitGroup) {
			e.Labels[n%10] = n
			pool.Put(e)
		})
	case "fixed":
		produce(func(e *Event, n int, archive *sync.WaitGroup) {
			e.Labels[1] = n
			archive.Add(1)
			// The one who uses it last puts it back.
			go func() {
				defer archive.Done()
				e.Labels[n%10] = n
				clear(e.Labels)
				pool.Put(e)
			}()
		})
	}
}

// produce takes events from the pool on four goroutines.
func produce(handle func(e *Event, n int, archive *sync.WaitGroup)) {
	var producers, archive sync.WaitGroup
	for p := 0; p < 4; p++ {
		producers.Add(1)
		go func() {
			defer producers.Done()
			for n := 0; n < events/4; n++ {
				handle(pool.Get().(*Event), n, &archive)
			}
		}()
	}
	producers.Wait()
	archive.Wait()
}

// stale counts the gets, after the first, that bring what somebody else had written.
func stale(reset bool) {
	found := 0
	for n := 0; n <= events; n++ {
		e := pool.Get().(*Event)
		if len(e.Labels) > 0 {
			found++
		}
		e.Labels[n%10] = n
		if reset {
			clear(e.Labels)
		}
		pool.Put(e)
	}
	fmt.Printf("stale_percent=%.2f\n", 100*float64(found)/events)
}
