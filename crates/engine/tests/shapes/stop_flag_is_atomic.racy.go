// Races: the stop flag is a plain bool.
package main

import "time"

type reader struct {
	stopping bool
	done     chan bool
}

func (r *reader) run() {
	for !r.stopping { // want "RACE001"
		time.Sleep(time.Microsecond)
	}
	close(r.done)
}

func main() {
	r := &reader{done: make(chan bool)}
	go r.run()
	r.stopping = true // want "RACE001"
	<-r.done
}
