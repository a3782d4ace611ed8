// Races: the callback is registered before the field that it reads is set.
package main

import "sync"

type reader struct {
	mu        sync.Mutex
	callbacks []func()
}

func (r *reader) register(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.callbacks = append(r.callbacks, f)
}

func (r *reader) collect(done chan<- bool) {
	for range 100 {
		r.mu.Lock()
		for _, f := range r.callbacks {
			f()
		}
		r.mu.Unlock()
	}
	done <- true
}

type gauge struct{ values map[string]int }

func (g *gauge) observe() { _ = len(g.values) } // want "RACE001"

func main() {
	r := &reader{}
	done := make(chan bool)
	go r.collect(done)
	g := &gauge{}
	r.register(g.observe)
	g.values = map[string]int{"a": 1} // want "RACE001"
	<-done
}
