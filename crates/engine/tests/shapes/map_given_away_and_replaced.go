// The map that was given to the goroutine is replaced before the next write.
package main

import "time"

func main() {
	keys := make(chan string)
	go func() {
		for _, key := range []string{"a", "b", "", "c", "d", ""} {
			keys <- key
		}
		close(keys)
	}()
	events := make(map[string]int)
	for key := range keys {
		if key == "" {
			go flush(events)
			events = make(map[string]int)
			continue
		}
		events[key]++
	}
	time.Sleep(time.Millisecond)
}

func flush(events map[string]int) {
	for key, n := range events {
		println(key, n)
	}
}
