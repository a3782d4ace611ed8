// Races: the map stays where it was written, in both fields.
package main

import "sync"

type provider struct {
	mu   sync.RWMutex
	subs map[string]bool
	next map[string]bool
}

func (p *provider) apply(name string) {
	p.next[name] = true // want "MAP001"
	p.mu.Lock()
	p.subs = p.next
	p.mu.Unlock()
}

func (p *provider) update(done chan<- bool) {
	p.mu.RLock()
	for name := range p.subs { // want "MAP001"
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
