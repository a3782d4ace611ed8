// The body of the loop over what Wait returns runs after all goroutines.
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
		g.errs[i] = f()
	}()
}

func (g *group) wait() []error {
	g.wg.Wait()
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
			results[name] = i
			return nil
		})
	}
	for _, err := range g.wait() {
		if err == nil {
			results["all"]++
		}
	}
}
