// Races: the function kept in the loop reads the current configuration of the pool, without its lock.
package main

import "sync"

type config struct{ limit int }

type pool struct {
	mu     sync.Mutex
	config *config
}

type options struct{ pool *pool }

type loop struct{ mutate func(int) int }

func newLoop(opts options) *loop {
	return &loop{mutate: func(v int) int { return min(v, opts.pool.config.limit) }} // want "RACE001"
}

func (l *loop) run(done chan<- bool) {
	println(l.mutate(9))
	done <- true
}

func (p *pool) reload(c *config) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.config = c // want "RACE001"
}

func main() {
	p := &pool{config: &config{1}}
	l := newLoop(options{p})
	done := make(chan bool)
	go l.run(done)
	p.reload(&config{2})
	<-done
}
