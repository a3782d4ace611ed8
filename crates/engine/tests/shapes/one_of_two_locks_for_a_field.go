// Writer and reader of the field hold the lock of the plugin.
package main

import "sync"

type plugin struct {
	mu      sync.Mutex
	enabled bool
}

type store struct {
	mu      sync.Mutex
	plugins []*plugin
}

func (s *store) set(p *plugin, state bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.enabled = state
}

func (p *plugin) isEnabled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.enabled
}

func main() {
	p := &plugin{}
	s := &store{plugins: []*plugin{p}}
	done := make(chan bool)
	go func() {
		s.set(p, true)
		done <- true
	}()
	println(p.isEnabled())
	<-done
}
