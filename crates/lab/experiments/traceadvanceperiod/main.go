// How much of an execution trace is lost when the process dies: the runtime hands the trace out once a
// period. GODEBUG=traceadvanceperiod sets the period, in nanoseconds.
package main

import (
	"fmt"
	"os"
	"runtime/trace"
	"slices"
	"sync/atomic"
	"time"
)

// writer notes when the trace's bytes arrive.
type writer struct {
	bytes, last atomic.Int64
}

func (w *writer) Write(p []byte) (int, error) {
	w.bytes.Add(int64(len(p)))
	w.last.Store(time.Now().UnixNano())
	return len(p), nil
}

func main() {
	w := new(writer)
	if err := trace.Start(w); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	began := time.Now()
	w.last.Store(began.UnixNano())
	var lost []time.Duration
	// Goroutines come and go, so that there is something to tell.
	for time.Since(began) < 600*time.Millisecond {
		done := make(chan struct{})
		go close(done)
		<-done
		time.Sleep(100 * time.Microsecond)
		if time.Since(began) > 300*time.Millisecond {
			lost = append(lost, time.Duration(time.Now().UnixNano()-w.last.Load()))
		}
	}
	// What a process that dies now would leave, and what it would lose at a moment of the last 300 ms.
	slices.Sort(lost)
	fmt.Printf("bytes=%d\n", w.bytes.Load())
	fmt.Printf("lost_ms=%.3f\n", float64(lost[len(lost)/2].Microseconds())/1000)
	fmt.Printf("worst_ms=%.3f\n", float64(lost[len(lost)-1].Microseconds())/1000)
	os.Exit(0)
}
