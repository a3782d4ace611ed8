// Races: what is ranged over is there before the goroutines have ended.
package main

import "sync"

type group struct {
	wg   sync.WaitGroup
	errs []error
}

func (g *group) run(i int, f func() error) {
	g.wg.Add(1)
	go func() {
		defer g.wg.Done()
		_ = f()
	}()
}

func (g *group) wait() []error {
	return g.errs
}

func main() {
	g := &group{errs: make([]error, 2)}
	var mu sync.Mutex
	results := map[string]int{}
	for i, name := range []string{"a", "b"} {
		g.run(i, func() error {
			mu.Lock()
			defer mu.Unlock()
			results[name] = i // want "MAP001"
			return nil
		})
	}
	for _, err := range g.wait() {
		results["all"]++ // want "MAP001"
		_ = err
	}
}
