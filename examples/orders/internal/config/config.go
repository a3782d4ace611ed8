// Package config has the settings that can change while the service runs.
package config

import (
	"maps"
	"sync"
	"sync/atomic"
)

// Flags are switches by name. A set of flags is never changed: a new one takes its place.
type Flags struct {
	changing sync.Mutex
	current  atomic.Pointer[map[string]bool]
}

// NewFlags starts with a copy of the given switches.
func NewFlags(initial map[string]bool) *Flags {
	f := &Flags{}
	set := maps.Clone(initial)
	if set == nil {
		set = make(map[string]bool)
	}
	f.current.Store(&set)
	return f
}

// On says whether a switch is on.
func (f *Flags) On(name string) bool {
	return (*f.current.Load())[name]
}

// Set turns a switch on or off.
func (f *Flags) Set(name string, on bool) {
	f.changing.Lock()
	defer f.changing.Unlock()
	set := maps.Clone(*f.current.Load())
	set[name] = on
	f.current.Store(&set)
}
