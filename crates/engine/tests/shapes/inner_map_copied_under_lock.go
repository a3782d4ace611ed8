// The inner map is cloned under the lock, and the caller ranges over the clone.
package main

import (
	"maps"
	"sync"
)

type links struct {
	mu    sync.Mutex
	names map[string]map[string]int
}

func (l *links) children(name string) map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.names[name])
}

func (l *links) unlink(name, alias string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.names[name], alias)
}

func main() {
	l := &links{names: map[string]map[string]int{"a": {"b": 1}}}
	done := make(chan bool)
	go func() {
		l.unlink("a", "b")
		done <- true
	}()
	for alias := range l.children("a") {
		println(alias)
	}
	<-done
}
