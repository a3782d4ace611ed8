// Races: the function returns one map of the package in every call.
package main

import "sync"

type stats struct{ counts map[string]int }

var all = map[string]int{"total": 1}

func collect() map[string]int {
	return all
}

func latest() stats {
	var s stats
	s.counts = collect()
	return s
}

func handle() {
	s := latest()
	s.counts["handled"]++ // want "MAP001"
}

func main() {
	var wg sync.WaitGroup
	wg.Go(handle)
	wg.Go(handle)
	wg.Wait()
}
