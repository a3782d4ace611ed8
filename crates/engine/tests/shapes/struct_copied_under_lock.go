// The list copies each plugin under the lock of that plugin.
package main

import "sync"

type info struct {
	name    string
	enabled bool
}

type plugin struct {
	mu   sync.Mutex
	info info
}

func (p *plugin) enable() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.info.enabled = true
}

func list(plugins []*plugin) []info {
	var out []info
	for _, p := range plugins {
		p.mu.Lock()
		out = append(out, p.info)
		p.mu.Unlock()
	}
	return out
}

func main() {
	p := &plugin{info: info{name: "a"}}
	done := make(chan bool)
	go func() {
		p.enable()
		done <- true
	}()
	println(len(list([]*plugin{p})))
	<-done
}
