// The registry is only written by package initialisers, so that the length needs no lock.
package p

import "sync"

type factory struct {
	mu    sync.Mutex
	names map[string]int
}

var registry = &factory{names: map[string]int{}}

func (f *factory) register(name string) {
	f.mu.Lock()
	f.names[name] = 1
	f.mu.Unlock()
}

func (f *factory) has(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.names[name] > 0
}

func init() { registry.register("a") }
func init() { registry.register("b") }

func (f *factory) list() []string {
	out := make([]string, 0, len(f.names))
	f.mu.Lock()
	defer f.mu.Unlock()
	for name := range f.names {
		out = append(out, name)
	}
	return out
}

// Has says whether there is a driver of that name.
func Has(name string) bool { return registry.has(name) }

// List returns the drivers.
func List() []string { return registry.list() }
