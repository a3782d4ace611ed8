// Two goroutines, each with a counter of its own: in one cache line, or in two.
package main

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	chunk = 2000
	// So many chunks of each goroutine are enough, and it is over after so long.
	chunks   = 50
	patience = 200 * time.Millisecond
)

type together struct {
	a, b atomic.Int64
}

// apart keeps the counters 128 bytes from each other: processors fetch lines of 64 bytes in pairs.
type apart struct {
	_ [128]byte
	a atomic.Int64
	_ [120]byte
	b atomic.Int64
	_ [120]byte
}

func main() {
	one, two := new(together), new(apart)
	report("one_line", measure(&one.a, &one.b))
	report("two_lines", measure(&two.a, &two.b))
	report("alone_in_one_line", measure(&one.a))
	report("alone_in_two_lines", measure(&two.a))
}

// measure times chunks of additions. Of two goroutines only those chunks count during which the other
// one got on by about as much: on a busy machine they do not always run at the same time.
func measure(counters ...*atomic.Int64) []time.Duration {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	took := make([][]time.Duration, len(counters))
	var satisfied atomic.Int32
	var end time.Time
	for g, counter := range counters {
		g, counter, other := g, counter, counters[len(counters)-1-g]
		ready.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			ready.Done()
			<-start
			for int(satisfied.Load()) < len(counters) && time.Now().Before(end) {
				before, began := other.Load(), time.Now()
				for i := 0; i < chunk; i++ {
					counter.Add(1)
				}
				elapsed := time.Since(began)
				if got := other.Load() - before; got > chunk/2 && got < 2*chunk {
					took[g] = append(took[g], elapsed)
					if len(took[g]) == chunks {
						satisfied.Add(1)
					}
				}
			}
		}()
	}
	ready.Wait()
	end = time.Now().Add(patience)
	close(start)
	done.Wait()
	var all []time.Duration
	for _, own := range took {
		all = append(all, own...)
	}
	return all
}

// report prints the median, in nanoseconds an addition.
func report(name string, took []time.Duration) {
	if len(took) < 20 {
		return
	}
	slices.Sort(took)
	fmt.Printf("%s=%.3f\n", name, float64(took[len(took)/2].Nanoseconds())/chunk)
}
