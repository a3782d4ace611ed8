// The object is new in the call, filled, and only then stored under the lock that its reader holds.
package main

import "sync"

type config struct{ services map[string]map[string]bool }

type holder struct {
	mu     sync.Mutex
	config *config
}

var current = &holder{config: &config{services: map[string]map[string]bool{}}}

func (h *holder) set(c *config) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.config = c
}

func update(names []string) {
	c := &config{services: map[string]map[string]bool{}}
	for _, name := range names {
		c.services[name] = map[string]bool{}
		c.services[name]["up"] = true
	}
	current.set(c)
}

func (h *holder) up(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.config.services[name]["up"]
}

func main() {
	var wg sync.WaitGroup
	wg.Go(func() { update([]string{"a"}) })
	wg.Go(func() { current.up("a") })
	wg.Wait()
}
