// The cache is handed over: the new loop runs only after the old one has closed its channel.
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
		l.cache.series[1]++
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
	go old.run()
	for range 2 {
		next := newLoop(old.cache)
		go func(old, next *loop) {
			old.stop()
			next.run()
		}(old, next)
		old = next
	}
	old.stop()
}
