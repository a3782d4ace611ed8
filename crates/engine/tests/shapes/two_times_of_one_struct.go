// Two goroutines use two time fields of one struct: what they have in common is the type.
package main

import "time"

type node struct{ stats, health time.Time }

func (n *node) gossip(done chan<- bool) {
	println(time.Since(n.stats) > 0)
	n.stats = time.Now()
	done <- true
}

func (n *node) check(done chan<- bool) {
	println(time.Since(n.health) > 0)
	n.health = time.Now()
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
