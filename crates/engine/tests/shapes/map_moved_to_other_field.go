// The map is moved to the other field under the lock and replaced by a new one: what the reader ranges over is not written again.
package main

import "sync"

type provider struct {
	mu   sync.RWMutex
	subs map[string]bool
	next map[string]bool
}

func (p *provider) apply(name string) {
	p.next[name] = true
	p.mu.Lock()
	p.subs = p.next
	p.next = map[string]bool{}
	p.mu.Unlock()
}

func (p *provider) update(done chan<- bool) {
	p.mu.RLock()
	for name := range p.subs {
		println(name)
	}
	p.mu.RUnlock()
	done <- true
}

func main() {
	p := &provider{next: map[string]bool{}}
	done := make(chan bool)
	p.apply("x")
	go p.update(done)
	p.apply("a")
	p.apply("b")
	<-done
}
