// Races: both goroutines set one time field.
package main

import "time"

type node struct{ stats, health time.Time }

func (n *node) gossip(done chan<- bool) {
	n.stats = time.Now() // want "RACE001"
	done <- true
}

func (n *node) check(done chan<- bool) {
	n.stats = time.Time{} // want "RACE001"
	done <- true
}

func main() {
	n := &node{}
	done := make(chan bool)
	go n.gossip(done)
	go n.check(done)
	<-done
	<-done
}
