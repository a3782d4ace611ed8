// A map of 1,000 keys that several goroutines read and write, kept safe in five ways.
package main

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	keys   = 1000
	rounds = 5000
	// So many tries are enough, and it is over after so long.
	tries    = 5
	patience = 80 * time.Millisecond
)

// Guarded is a map that may be used by many.
type Guarded interface {
	Get(key int) int
	Set(key, value int)
}

func main() {
	for _, goroutines := range []int{1, 2, 4} {
		for _, reads := range []int{50, 90, 100} {
			measure("mutex", goroutines, reads, newMutex())
			measure("rwmutex", goroutines, reads, newRWMutex())
			measure("sync.Map", goroutines, reads, newSyncMap())
			measure("sharded", goroutines, reads, newSharded())
			// A write copies all keys: too slow to be written often.
			if reads == 100 {
				measure("copy-on-write", goroutines, reads, newCopyOnWrite())
			}
		}
	}
}

// measure prints the nanoseconds of an operation: the time by all operations of all goroutines, the median
// of some tries. With several goroutines a try counts only if the machine let goroutines run at the same
// time right before it and right after.
func measure(name string, goroutines, reads int, m Guarded) {
	var took []time.Duration
	end := time.Now().Add(patience)
	for len(took) < tries && time.Now().Before(end) {
		if goroutines > 1 && !together() {
			continue
		}
		elapsed := try(goroutines, reads, m)
		if goroutines == 1 || together() {
			took = append(took, elapsed)
		}
	}
	if len(took) < tries/3 {
		return
	}
	slices.Sort(took)
	ns := float64(took[len(took)/2].Nanoseconds()) / rounds
	fmt.Printf("%s/%d/%d=%.3f\n", name, goroutines, reads, ns)
}

// try gives the time from when the first goroutine begins until the last one ends.
func try(goroutines, reads int, m Guarded) time.Duration {
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
			state, sum := uint32(g+1), 0
			began[g] = time.Now()
			for i := 0; i < rounds/goroutines; i++ {
				// xorshift: a key and a decision without a lock.
				state ^= state << 13
				state ^= state >> 17
				state ^= state << 5
				key := int(state>>8) % keys
				if int(state%100) < reads {
					sum += m.Get(key)
				} else {
					m.Set(key, i)
				}
			}
			ended[g] = time.Now()
			sink.Add(int64(sum))
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

// sink keeps the compiler from leaving reads out.
var sink atomic.Int64

func filled() map[int]int {
	m := make(map[int]int, keys)
	for i := 0; i < keys; i++ {
		m[i] = i
	}
	return m
}

type mutexMap struct {
	mu sync.Mutex
	m  map[int]int
}

func newMutex() *mutexMap { return &mutexMap{m: filled()} }

func (m *mutexMap) Get(key int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.m[key]
}

func (m *mutexMap) Set(key, value int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.m[key] = value
}

type rwMutexMap struct {
	mu sync.RWMutex
	m  map[int]int
}

func newRWMutex() *rwMutexMap { return &rwMutexMap{m: filled()} }

func (m *rwMutexMap) Get(key int) int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.m[key]
}

func (m *rwMutexMap) Set(key, value int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.m[key] = value
}

type syncMap struct{ m sync.Map }

func newSyncMap() *syncMap {
	m := new(syncMap)
	for i := 0; i < keys; i++ {
		m.m.Store(i, i)
	}
	return m
}

func (m *syncMap) Get(key int) int {
	value, _ := m.m.Load(key)
	return value.(int)
}

func (m *syncMap) Set(key, value int) { m.m.Store(key, value) }

// sharded is 16 maps with a mutex each, 128 bytes apart.
type sharded struct {
	shards [16]struct {
		mutexMap
		_ [112]byte
	}
}

func newSharded() *sharded {
	s := new(sharded)
	for i := range s.shards {
		s.shards[i].m = make(map[int]int)
	}
	for i := 0; i < keys; i++ {
		s.Set(i, i)
	}
	return s
}

func (s *sharded) Get(key int) int    { return s.shards[key%16].Get(key) }
func (s *sharded) Set(key, value int) { s.shards[key%16].Set(key, value) }

// copyOnWrite never changes a map that somebody may be reading.
type copyOnWrite struct {
	mu sync.Mutex
	m  atomic.Pointer[map[int]int]
}

func newCopyOnWrite() *copyOnWrite {
	c := new(copyOnWrite)
	m := filled()
	c.m.Store(&m)
	return c
}

func (c *copyOnWrite) Get(key int) int { return (*c.m.Load())[key] }

func (c *copyOnWrite) Set(key, value int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := make(map[int]int, keys)
	for k, v := range *c.m.Load() {
		next[k] = v
	}
	next[key] = value
	c.m.Store(&next)
}
