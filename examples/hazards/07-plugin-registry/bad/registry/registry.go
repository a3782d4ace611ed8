// Package registry knows the renderers that plugins bring along.
package registry

import "sort"

// Renderer turns text into a format.
type Renderer func(text string) string

var renderers = map[string]Renderer{}

// Register makes a renderer known under name.
func Register(name string, r Renderer) {
	renderers[name] = r // want "MAP007"
}

// Lookup finds a renderer.
func Lookup(name string) (Renderer, bool) {
	r, ok := renderers[name]
	return r, ok
}

// Names lists the renderers that are known.
func Names() []string {
	names := make([]string, 0, len(renderers))
	for name := range renderers {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
