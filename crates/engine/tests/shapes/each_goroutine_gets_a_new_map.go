// Each goroutine is given a map and the next one another.
package main

import "time"

func main() {
	batch := make(map[int]int)
	for n := range 10 {
		if n%3 == 0 {
			go drain(batch)
			batch = make(map[int]int)
		}
		batch[n] = n
	}
	time.Sleep(time.Millisecond)
}

func drain(batch map[int]int) {
	for n := range batch {
		println(n)
	}
	clear(batch)
}
