// Races: the goroutines are given one map.
package main

import "time"

func main() {
	batch := map[int]int{1: 1}
	for n := range 10 {
		if n%3 == 0 {
			go drain(batch)
		}
	}
	time.Sleep(time.Millisecond)
}

func drain(batch map[int]int) {
	for n := range batch { // want "MAP001"
		println(n)
	}
	clear(batch) // want "MAP001"
}
