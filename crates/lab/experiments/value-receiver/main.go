// Hazard 1: a method with a value receiver copies the struct, not the map in it.
package main

import (
	"fmt"
	"os"
	"sync"
)

const writes = 20_000

// Tally has a map; every copy of it has the same one.
type Tally struct {
	views map[int]int
}

// Add works on a copy of the Tally, and on the only map.
func (t Tally) Add(path int) {
	t.views[path]++
}

// PointerTally writes the same map through a pointer: that is no better.
type PointerTally struct {
	views map[int]int
}

// Add writes without a lock.
func (t *PointerTally) Add(path int) {
	t.views[path]++
}

// LockedTally is the fix: a pointer receiver and a mutex.
type LockedTally struct {
	mu    sync.Mutex
	views map[int]int
}

// Add writes under the lock.
func (t *LockedTally) Add(path int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.views[path]++
}

func main() {
	switch os.Args[1] {
	case "one":
		tally := Tally{views: make(map[int]int)}
		run(1, tally.Add)
		fmt.Printf("seen_by_the_original=%t\n", len(tally.views) > 0)
	case "two":
		tally := Tally{views: make(map[int]int)}
		run(2, tally.Add)
	case "pointer":
		tally := &PointerTally{views: make(map[int]int)}
		run(2, tally.Add)
	case "fixed":
		tally := &LockedTally{views: make(map[int]int)}
		run(2, tally.Add)
		fmt.Printf("views=%d\n", tally.views[0])
	}
}

// run calls add from so many goroutines, which start together.
func run(goroutines int, add func(int)) {
	start := make(chan struct{})
	var done sync.WaitGroup
	for g := 0; g < goroutines; g++ {
		done.Add(1)
		go func() {
			defer done.Done()
			<-start
			for i := 0; i < writes; i++ {
				add(i % 100)
			}
		}()
	}
	close(start)
	done.Wait()
}
