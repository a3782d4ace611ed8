// Races: all objects have one part in common.
package main

import "sync"

type store struct{ n int }

func newStore() *store { return &store{n: 1} }

type disk struct {
	node  int
	store *store
}

func open(path string, common *store) (*disk, error) {
	d := &disk{}
	d.store = common
	return d, nil
}

func (d *disk) load() {
	d.node++
	d.store.n++ // want "RACE001"
}

func main() {
	var disks []*disk
	common := newStore()
	for _, path := range []string{"a", "b"} {
		d, err := open(path, common)
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
