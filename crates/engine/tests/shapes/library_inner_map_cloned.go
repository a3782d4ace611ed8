// The element of the guarded map, itself a map, is cloned under the lock before it is returned.
package p

import (
	"maps"
	"sync"
)

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
	return maps.Clone(l.names[name])
}
