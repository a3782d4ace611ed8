// Objects that a constructor makes in a loop, each with a part of its own in a field: each goroutine has one.
package main

import "sync"

type store struct{ n int }

func newStore() *store { return &store{n: 1} }

type disk struct {
	node  int
	store *store
}

func open(path string) (*disk, error) {
	d := &disk{}
	d.store = newStore()
	return d, nil
}

func (d *disk) load() {
	d.node++
	d.store.n++
}

func main() {
	var disks []*disk
	for _, path := range []string{"a", "b"} {
		d, err := open(path)
		if err != nil {
			continue
		}
		disks = append(disks, d)
	}
	var wg sync.WaitGroup
	for i := range disks {
		d := disks[i]
		wg.Go(func() { d.load() })
	}
	wg.Wait()
}
