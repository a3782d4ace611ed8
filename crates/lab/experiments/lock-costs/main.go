// What it costs to add one to a number, when nobody else wants it and when somebody does.
package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	for _, goroutines := range []int{1, 2, 4} {
		measure("atomic", goroutines, 100_000, atomicAdd())
		measure("mutex", goroutines, 100_000, mutexAdd())
		measure("rwmutex", goroutines, 100_000, rwmutexAdd())
		measure("channel-as-lock", goroutines, 20_000, channelLockAdd())
		owner, stop := ownerAdd()
		measure("owner-by-channel", goroutines, 10_000, owner)
		stop()
		if goroutines == 1 {
			measure("plain", goroutines, 100_000, plainAdd())
		}
	}
}

// measure prints the nanoseconds of an addition: wall time by all additions of all goroutines.
func measure(name string, goroutines, rounds int, add func()) {
	start := make(chan struct{})
	var ready, done sync.WaitGroup
	for g := 0; g < goroutines; g++ {
		ready.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			ready.Done()
			<-start
			for i := 0; i < rounds/goroutines; i++ {
				add()
			}
		}()
	}
	ready.Wait()
	began := time.Now()
	close(start)
	done.Wait()
	fmt.Printf("%s/%d=%.3f\n", name, goroutines, float64(time.Since(began).Nanoseconds())/float64(rounds))
}

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
