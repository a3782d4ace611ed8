// Races: the object is published empty, and filled by whoever asks first.
package main

import "sync"

type config struct{ apps map[string]int }

var (
	mu      sync.Mutex
	current *config
)

func (c *config) app(name string) int {
	if a, ok := c.apps[name]; ok { // want "MAP001"
		return a
	}
	c.apps[name] = 1 // want "MAP001"
	return 1
}

func load() {
	c := &config{apps: map[string]int{}}
	mu.Lock()
	current = c
	mu.Unlock()
}

func get() *config {
	mu.Lock()
	defer mu.Unlock()
	return current
}

func main() {
	load()
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { get().app("http") })
	}
	wg.Wait()
}
