// Races: one registration comes after main has started the goroutine that counts without the lock.
package main

import "sync"

type factory struct {
	mu    sync.Mutex
	names map[string]int
}

var registry = &factory{names: map[string]int{}}

func (f *factory) register(name string) {
	f.mu.Lock()
	f.names[name] = 1 // want "MAP001"
	f.mu.Unlock()
}

func init() { registry.register("a") }
func init() { registry.register("b") }

func (f *factory) list() int {
	n := len(f.names) // want "MAP001"
	f.mu.Lock()
	defer f.mu.Unlock()
	for range f.names {
		n++
	}
	return n
}

func main() {
	done := make(chan bool)
	go func() {
		registry.list()
		done <- true
	}()
	registry.register("c")
	<-done
}
