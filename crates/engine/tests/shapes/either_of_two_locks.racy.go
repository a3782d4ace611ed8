// Races: the writes hold one lock only, and the count takes the other.
package main

import "sync"

type pool struct {
	mu      sync.Mutex
	targets sync.Mutex
	loops   map[int]int
}

func (p *pool) Sync(id int) {
	p.mu.Lock()
	p.loops[id] = 1 // want "MAP001"
	p.mu.Unlock()
}

func (p *pool) Stop(id int) {
	p.mu.Lock()
	delete(p.loops, id) // want "MAP001"
	p.mu.Unlock()
}

func (p *pool) Has(id int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.loops[id] > 0
}

func (p *pool) Count() int {
	p.targets.Lock()
	defer p.targets.Unlock()
	return len(p.loops) // want "MAP001"
}

func main() {
	p := &pool{loops: map[int]int{}}
	var wg sync.WaitGroup
	wg.Go(func() { p.Sync(1) })
	wg.Go(func() { p.Stop(1) })
	wg.Go(func() { p.Has(1) })
	wg.Go(func() { p.Count() })
	wg.Wait()
}
