// Races: the helper runs its callback under a read lock, which two callers can hold.
package main

import "sync"

type db struct {
	mu    sync.RWMutex
	dirty map[string]bool
}

func (d *db) update(f func() error) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return f()
}

func (d *db) remove(key string) error {
	return d.update(func() error {
		d.dirty[key] = true // want "MAP001"
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
