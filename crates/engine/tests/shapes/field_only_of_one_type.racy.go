// Races: the field holds the type that locks nothing.
package main

import "sync"

type histogram interface{ observe() }

type plain struct{ last int }

func (p *plain) observe() { p.last++ } // want "RACE001"

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
	p := &pusher{latency: alone}
	var wg sync.WaitGroup
	wg.Go(p.push)
	wg.Go(p.push)
	alone.observe()
	wg.Wait()
}
