// One processor, and a loop without a call in it: does another goroutine get to run?
package main

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
)

func main() {
	runtime.GOMAXPROCS(1)
	var flag atomic.Bool
	began := time.Now()
	go flag.Store(true)
	// The loop has an end, so that the lab need not wait for the time limit. It takes a second or so.
	n := 0
	for n < 500_000_000 && !flag.Load() {
		n++
	}
	fmt.Printf("others_ran=%t\n", flag.Load())
	fmt.Printf("after_ms=%.1f\n", float64(time.Since(began).Microseconds())/1000)
}
