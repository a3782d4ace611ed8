// Breaks its convention: anyone may register, and the length is taken without the lock.
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

// Register adds a driver.
func Register(name string) { registry.register(name) }

func (f *factory) list() []string {
	out := make([]string, 0, len(f.names)) // want "MAP011"
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
