// Command work makes a trace with as many kinds of events as a program can: channels, locks,
// timers, system calls, collections, tasks, regions, logs, CPU samples, iterators that switch
// goroutines. `work OUT ROUNDS`; a round is about 60 MB on two processors when it is "big".
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"sync"
	"time"
)

var sink [][]byte

func main() {
	rounds, err := strconv.Atoi(os.Args[2])
	check(err)
	f, err := os.Create(os.Args[1])
	check(err)
	check(pprof.StartCPUProfile(discard{}))
	check(trace.Start(f))
	for i := 0; i < rounds; i++ {
		tasks(i)
		pingPong(20_000)
		locks()
		files()
		garbage()
		sink = nil
		runtime.GC()
	}
	// More than one generation: the runtime begins one a second.
	time.Sleep(1200 * time.Millisecond)
	tasks(rounds)
	trace.Stop()
	pprof.StopCPUProfile()
	check(f.Close())
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func tasks(round int) {
	ctx, task := trace.NewTask(context.Background(), "round")
	defer task.End()
	var wg sync.WaitGroup
	for i := 0; i < 50; i++ {
		i := i // Go 1.21 has one for all rounds
		wg.Add(1)
		go func() {
			defer wg.Done()
			ctx, inner := trace.NewTask(ctx, "part")
			defer inner.End()
			trace.WithRegion(ctx, "outer", func() {
				trace.WithRegion(ctx, "inner", func() { trace.Logf(ctx, "place", "%d of %d", i, round) })
				time.Sleep(time.Duration(i) * 10 * time.Microsecond)
			})
		}()
	}
	wg.Wait()
}

func pingPong(n int) {
	var wg sync.WaitGroup
	for left := 4; left > 0; left-- {
		a, b := make(chan int), make(chan int)
		wg.Add(2)
		go func() {
			defer wg.Done()
			for i := 0; i < n; i++ {
				a <- i
				<-b
			}
		}()
		go func() {
			defer wg.Done()
			for left := n; left > 0; left-- {
				b <- <-a
			}
		}()
	}
	wg.Wait()
}

func locks() {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for left := 30; left > 0; left-- {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for left := 100; left > 0; left-- {
				mu.Lock()
				runtime.Gosched()
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
}

func files() {
	var wg sync.WaitGroup
	for left := 20; left > 0; left-- {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for left := 50; left > 0; left-- {
				_, err := os.ReadFile("/proc/self/stat")
				check(err)
			}
		}()
	}
	wg.Wait()
}

func garbage() {
	for left := 2000; left > 0; left-- {
		sink = append(sink, make([]byte, 16<<10))
		if len(sink) > 200 {
			sink = nil
		}
	}
}
