// The stop flag is atomic.
package main

import "sync/atomic"

type reader struct {
	stopping atomic.Bool
	done     chan bool
}

func (r *reader) run() {
	for !r.stopping.Load() {
	}
	close(r.done)
}

func main() {
	r := &reader{done: make(chan bool)}
	go r.run()
	r.stopping.Store(true)
	<-r.done
}
