// What it costs to add one to a number, when nobody else wants it and when somebody does.
package main

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	rounds = 5000
	// So many tries are enough, and it is over after so long.
	tries    = 5
	patience = 80 * time.Millisecond
)

func main() {
	for _, goroutines := range []int{1, 2, 4} {
		measure("atomic", goroutines, atomicAdd())
		measure("mutex", goroutines, mutexAdd())
		measure("rwmutex", goroutines, rwmutexAdd())
		measure("channel-as-lock", goroutines, channelLockAdd())
		owner, stop := ownerAdd()
		measure("owner-by-channel", goroutines, owner)
		stop()
		if goroutines == 1 {
			measure("plain", goroutines, plainAdd())
		}
	}
}

// measure prints the nanoseconds of an operation: the time by all operations of all goroutines, the median
// of some tries. With several goroutines a try counts only if the machine let goroutines run at the same
// time right before it and right after.
func measure(name string, goroutines int, add func()) {
	var took []time.Duration
	end := time.Now().Add(patience)
	for len(took) < tries && time.Now().Before(end) {
		if goroutines > 1 && !together() {
			continue
		}
		elapsed := try(goroutines, add)
		if goroutines == 1 || together() {
			took = append(took, elapsed)
		}
	}
	if len(took) < tries/3 {
		return
	}
	slices.Sort(took)
	ns := float64(took[len(took)/2].Nanoseconds()) / rounds
	fmt.Printf("%s/%d=%.3f\n", name, goroutines, ns)
}

// try gives the time from when the first goroutine begins until the last one ends.
func try(goroutines int, add func()) time.Duration {
	start := make(chan struct{})
	var ready, done sync.WaitGroup
	began, ended := make([]time.Time, goroutines), make([]time.Time, goroutines)
	for g := 0; g < goroutines; g++ {
		g := g
		ready.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			ready.Done()
			<-start
			began[g] = time.Now()
			for i := 0; i < rounds/goroutines; i++ {
				add()
			}
			ended[g] = time.Now()
		}()
	}
	ready.Wait()
	close(start)
	done.Wait()
	return slices.MaxFunc(ended, time.Time.Compare).Sub(slices.MinFunc(began, time.Time.Compare))
}

// together says whether the machine lets two goroutines run at the same time just now: both spin for a
// moment, which must not take longer than it takes one of them at its best.
func together() bool {
	began := time.Now()
	var done sync.WaitGroup
	for g := 0; g < 2; g++ {
		done.Add(1)
		go func() {
			defer done.Done()
			spin()
		}()
	}
	done.Wait()
	return time.Since(began) < alone*17/10
}

// alone is how long spin takes at its best.
var alone = func() time.Duration {
	best := time.Hour
	for i := 0; i < 20; i++ {
		began := time.Now()
		spin()
		best = min(best, time.Since(began))
	}
	return best
}()

func spin() {
	n := uint32(1)
	for i := 0; i < 500_000; i++ {
		n ^= n << 13
		n ^= n >> 17
		n ^= n << 5
	}
	sink.Add(int64(n & 1))
}

// sink keeps the compiler from leaving loops out.
var sink atomic.Int64

func plainAdd() func() {
	n := new(int64)
	return func() { *n++ }
}

func atomicAdd() func() {
	n := new(atomic.Int64)
	return func() { n.Add(1) }
}

func mutexAdd() func() {
	var mu sync.Mutex
	n := 0
	return func() {
		mu.Lock()
		n++
		mu.Unlock()
	}
}

func rwmutexAdd() func() {
	var mu sync.RWMutex
	n := 0
	return func() {
		mu.Lock()
		n++
		mu.Unlock()
	}
}

func channelLockAdd() func() {
	lock := make(chan struct{}, 1)
	n := 0
	return func() {
		lock <- struct{}{}
		n++
		<-lock
	}
}

// ownerAdd has one goroutine own the number; the others ask it and wait for its answer.
func ownerAdd() (add, stop func()) {
	requests := make(chan chan struct{})
	go func() {
		n := 0
		for reply := range requests {
			n++
			reply <- struct{}{}
		}
	}()
	replies := sync.Pool{New: func() any { return make(chan struct{}) }}
	add = func() {
		reply := replies.Get().(chan struct{})
		requests <- reply
		<-reply
		replies.Put(reply)
	}
	return add, func() { close(requests) }
}
