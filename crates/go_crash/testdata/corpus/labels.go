package main

import (
	"context"
	"runtime/pprof"
)

// labels starts goroutines that carry pprof labels; Go 1.26 and 1.27 can print them.
func labels() {
	set := pprof.Labels("request", "r-1", "path", "/a b:{}\n[running]:", "empty", "")
	for i := 0; i < 2; i++ {
		go pprof.Do(context.Background(), set, func(context.Context) { select {} })
	}
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("who", "main")))
	settle()
}
