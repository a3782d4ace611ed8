package p

import (
	"os"
	"sync"
)

type hub struct {
	sync.Mutex
	rw      sync.RWMutex
	clients map[string]int
	next    *hub
}

func (h *hub) add(name string) {
	h.Lock()
	defer h.Unlock()
	h.clients[name]++
}

func (h *hub) get(name string) (int, bool) {
	h.rw.RLock()
	defer h.rw.RUnlock()
	n, ok := h.next.clients[name]
	return n, ok
}

func (h hub) byValue(k string) { h.clients[k] = 1 }

func withLocker(l sync.Locker, m *sync.Mutex) bool {
	l.Lock()
	l.Unlock()
	go m.Unlock()
	f := m.Unlock
	defer f()
	return m.TryLock()
}

func start(n int) map[int]bool {
	m := make(map[int]bool)
	var wg sync.Mutex
	for i := 0; i < n; i++ {
		go func() {
			wg.Lock()
			m[i] = true
			wg.Unlock()
		}()
	}
	for _, name := range []string{"a", "b"} {
		go worker(name, m)
	}
	return m
}

func worker(name string, m map[int]bool) {
	if len(m) == 0 {
		os.Exit(1)
	}
	clear(m)
}

var registry = map[string]func(){"x": func() {}}

var table = hub{clients: map[string]int{}, next: &hub{}}

func init() { registry["y"] = nil }
