// Races: the list copies the struct, and with it the field that is set under the lock, without the lock.
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
	p.info.enabled = true // want "RACE001"
}

func list(plugins []*plugin) []info {
	var out []info
	for _, p := range plugins {
		out = append(out, p.info) // want "RACE001"
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
