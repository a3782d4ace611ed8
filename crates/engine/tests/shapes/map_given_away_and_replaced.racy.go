// Races: the map that was given to the goroutine is replaced only where it is large.
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
			if len(events) > 9 {
				events = make(map[string]int)
			}
			continue
		}
		events[key]++ // want "MAP001"
	}
	time.Sleep(time.Millisecond)
}

func flush(events map[string]int) {
	for key, n := range events { // want "MAP001"
		println(key, n)
	}
}
