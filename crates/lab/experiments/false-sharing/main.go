// Two goroutines, each with a counter of its own: in one cache line, or in two.
package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const rounds = 200_000

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
	// Each kind first once in turn, so that a machine that gets slower or faster hits both.
	for i := 0; i < 5; i++ {
		fmt.Printf("one_line=%.3f\n", measure(&one.a, &one.b))
		fmt.Printf("two_lines=%.3f\n", measure(&two.a, &two.b))
		fmt.Printf("alone=%.3f\n", measure(&two.a))
	}
}

// measure gives the nanoseconds of an addition, all counters at the same time.
func measure(counters ...*atomic.Int64) float64 {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for _, counter := range counters {
		counter := counter
		ready.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			ready.Done()
			<-start
			for i := 0; i < rounds; i++ {
				counter.Add(1)
			}
		}()
	}
	ready.Wait()
	began := time.Now()
	close(start)
	done.Wait()
	return float64(time.Since(began).Nanoseconds()) / rounds
}
