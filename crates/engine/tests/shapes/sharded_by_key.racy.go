// Races: the shard is that of the turn, so that one item goes to several workers.
package main

import "sync"

type item struct{ id, n int }

func main() {
	const shards = 4
	all := []*item{{id: 1}, {id: 2}}
	var in [shards]chan *item
	var wg sync.WaitGroup
	for i := range shards {
		in[i] = make(chan *item)
		wg.Add(1)
		go func(in <-chan *item) {
			defer wg.Done()
			for it := range in {
				it.n++ // want "RACE001"
			}
		}(in[i])
	}
	for turn := range 9 {
		for _, it := range all {
			in[(it.id+turn)%shards] <- it
		}
	}
	for i := range shards {
		close(in[i])
	}
	wg.Wait()
}
