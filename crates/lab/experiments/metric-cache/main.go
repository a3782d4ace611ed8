// Hazard 6: a hand-written map of counters in front of a metric vector. The vector, which has a lock
// as prometheus.CounterVec has, is safe; the map before it is not.
package main

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
)

// Vector gives each label its counter.
type Vector struct {
	mu       sync.RWMutex
	counters map[string]*atomic.Int64
}

// WithLabelValues is safe for concurrent use, and what it returns is meant to be kept.
func (v *Vector) WithLabelValues(label string) *atomic.Int64 {
	v.mu.RLock()
	counter, ok := v.counters[label]
	v.mu.RUnlock()
	if ok {
		return counter
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if counter, ok := v.counters[label]; ok {
		return counter
	}
	counter = new(atomic.Int64)
	v.counters[label] = counter
	return counter
}

func main() {
	vector := &Vector{counters: make(map[string]*atomic.Int64)}
	cache := make(map[string]*atomic.Int64)
	var safe sync.Map
	kept := vector.WithLabelValues("route")
	var count func(label string)
	switch os.Args[1] {
	case "kept":
		count = func(string) { kept.Add(1) }
	case "unlocked":
		count = func(label string) {
			counter, ok := cache[label]
			if !ok {
				counter = vector.WithLabelValues(label)
				cache[label] = counter
			}
			counter.Add(1)
		}
	case "fixed":
		count = func(label string) {
			counter, ok := safe.Load(label)
			if !ok {
				counter, _ = safe.LoadOrStore(label, vector.WithLabelValues(label))
			}
			counter.(*atomic.Int64).Add(1)
		}
	}
	labels := make([]string, 5000)
	for i := range labels {
		labels[i] = fmt.Sprintf("/articles/%d", i)
	}
	start := make(chan struct{})
	var requests sync.WaitGroup
	for g := 0; g < 4; g++ {
		requests.Add(1)
		go func() {
			defer requests.Done()
			<-start
			for _, label := range labels {
				count(label)
			}
		}()
	}
	close(start)
	requests.Wait()
}
