// Breaks its convention: the count holds neither lock.
package p

import "sync"

type Pool struct {
	mu      sync.Mutex
	targets sync.Mutex
	loops   map[int]int
}

func New() *Pool { return &Pool{loops: map[int]int{}} }

func (p *Pool) Sync(id int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.targets.Lock()
	p.loops[id] = 1
	p.targets.Unlock()
}

func (p *Pool) Stop(id int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.targets.Lock()
	delete(p.loops, id)
	p.targets.Unlock()
}

func (p *Pool) Has(id int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.loops[id] > 0
}

func (p *Pool) Count() int {
	n := 0
	for range p.loops { // want "MAP011"
		n++
	}
	return n
}
