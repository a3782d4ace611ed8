// The goroutine gets the delay as an argument, and the loop may change the field.
package main

type aggregator struct {
	delay  int
	events chan int
}

func (a *aggregator) notify(out chan<- int, delay int) {
	out <- 0
	out <- delay
}

func (a *aggregator) loop() {
	out := make(chan int)
	go a.notify(out, a.delay)
	<-out
	a.delay = 2
	println(<-out)
}

func main() {
	a := &aggregator{delay: 1}
	a.loop()
}
