// Package registry knows the renderers that are compiled in.
package registry

import "strings"

// Renderer turns text into a format.
type Renderer func(text string) string

var renderers = map[string]Renderer{}

// Register makes a renderer known under name. Call it from init.
func Register(name string, r Renderer) {
	renderers[name] = r
}

// Lookup finds a renderer.
func Lookup(name string) (Renderer, bool) {
	r, ok := renderers[name]
	return r, ok
}

func init() {
	Register("upper", strings.ToUpper)
	Register("lower", strings.ToLower)
}
