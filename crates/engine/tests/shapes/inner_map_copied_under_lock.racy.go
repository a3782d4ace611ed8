// Races: the inner map itself leaves the lock.
package main

import "sync"

type links struct {
	mu    sync.Mutex
	names map[string]map[string]int
}

func (l *links) children(name string) map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.names[name]
}

func (l *links) unlink(name, alias string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.names[name], alias) // want "MAP001"
}

func main() {
	l := &links{names: map[string]map[string]int{"a": {"b": 1}}}
	done := make(chan bool)
	go func() {
		l.unlink("a", "b")
		done <- true
	}()
	for alias := range l.children("a") { // want "MAP001"
		println(alias)
	}
	<-done
}
