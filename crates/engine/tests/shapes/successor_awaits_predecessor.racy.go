// Races: the new loop takes the cache over while the old one still runs.
package main

import "sync/atomic"

type cache struct{ series map[int]int }

type loop struct {
	cache    *cache
	stopping atomic.Bool
	stopped  chan struct{}
}

func newLoop(c *cache) *loop { return &loop{cache: c, stopped: make(chan struct{})} }

func (l *loop) run() {
	defer close(l.stopped)
	for {
		l.cache.series[1]++ // want "MAP001"
		if l.stopping.Load() {
			return
		}
	}
}

func (l *loop) stop() {
	l.stopping.Store(true)
	<-l.stopped
}

func main() {
	old := newLoop(&cache{series: map[int]int{}})
	first := old
	go old.run()
	for range 2 {
		next := newLoop(old.cache)
		go func(old, next *loop) {
			next.run()
		}(old, next)
		old = next
	}
	first.stop()
	old.stop()
}
