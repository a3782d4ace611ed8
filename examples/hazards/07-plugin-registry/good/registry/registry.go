// Package registry knows the renderers that plugins bring along.
package registry

import (
	"sort"
	"sync"
)

// Renderer turns text into a format.
type Renderer func(text string) string

var (
	mu        sync.RWMutex
	renderers = map[string]Renderer{}
)

// Register makes a renderer known under name.
func Register(name string, r Renderer) {
	mu.Lock()
	defer mu.Unlock()
	renderers[name] = r
}

// Lookup finds a renderer.
func Lookup(name string) (Renderer, bool) {
	mu.RLock()
	defer mu.RUnlock()
	r, ok := renderers[name]
	return r, ok
}

// Names lists the renderers that are known.
func Names() []string {
	mu.RLock()
	defer mu.RUnlock()
	names := make([]string, 0, len(renderers))
	for name := range renderers {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
