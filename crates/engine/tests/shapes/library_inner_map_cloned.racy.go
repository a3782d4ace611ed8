// Breaks its convention: the inner map itself is returned from under the lock.
package p

import "sync"

type Links struct {
	mu    sync.Mutex
	names map[string]map[string]int
}

func New() *Links { return &Links{names: map[string]map[string]int{}} }

func (l *Links) Link(name, alias string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.names[name] == nil {
		l.names[name] = map[string]int{}
	}
	l.names[name][alias] = 1
}

func (l *Links) Unlink(name, alias string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.names[name], alias)
}

func (l *Links) Children(name string) map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.names[name] // want "MAP012"
}
