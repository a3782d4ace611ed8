// The helper runs its callback under its lock, one at a time.
package main

import "sync"

type db struct {
	mu    sync.Mutex
	dirty map[string]bool
}

func (d *db) update(f func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return f()
}

func (d *db) remove(key string) error {
	return d.update(func() error {
		d.dirty[key] = true
		return nil
	})
}

func main() {
	d := &db{dirty: map[string]bool{}}
	var wg sync.WaitGroup
	wg.Go(func() { _ = d.remove("a") })
	wg.Go(func() { _ = d.remove("b") })
	wg.Wait()
}
