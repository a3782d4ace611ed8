// Races: the goroutine reads the field after a send for which it may wait long.
package main

type aggregator struct {
	delay  int
	events chan int
}

func (a *aggregator) notify(out chan<- int, delay int) {
	out <- 0
	out <- a.delay // want "RACE001"
}

func (a *aggregator) loop() {
	out := make(chan int)
	go a.notify(out, a.delay)
	<-out
	a.delay = 2 // want "RACE001"
	println(<-out)
}

func main() {
	a := &aggregator{delay: 1}
	a.loop()
}
