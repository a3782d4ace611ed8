// Breaks its convention: the guarded map itself is returned.
package p

import "sync"

type Registry struct {
	mu       sync.RWMutex
	commands map[string]int
}

func New() *Registry { return &Registry{commands: map[string]int{}} }

func (r *Registry) Register(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commands[name] = 1
}

func (r *Registry) Commands() map[string]int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.commands // want "MAP012"
}
