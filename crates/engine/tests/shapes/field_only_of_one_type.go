// The field only ever holds the type that locks; the other implementation is used by one goroutine elsewhere.
package main

import "sync"

type histogram interface{ observe() }

type plain struct{ last int }

func (p *plain) observe() { p.last++ }

type locked struct {
	mu   sync.Mutex
	last int
}

func (l *locked) observe() {
	l.mu.Lock()
	l.last++
	l.mu.Unlock()
}

type pusher struct{ latency histogram }

func (p *pusher) push() { p.latency.observe() }

func main() {
	var alone histogram = &plain{}
	p := &pusher{latency: &locked{}}
	var wg sync.WaitGroup
	wg.Go(p.push)
	wg.Go(p.push)
	alone.observe()
	wg.Wait()
}
