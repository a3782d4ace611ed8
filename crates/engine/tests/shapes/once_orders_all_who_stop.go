// Both ways to stop go through the Once, so that the status is written once.
package main

import "sync"

type app struct {
	once   sync.Once
	status int
}

func (a *app) stop(status int) {
	a.once.Do(func() { a.status = status })
}

func (a *app) run(done chan<- bool) {
	a.stop(1)
	done <- true
}

func main() {
	a := &app{}
	done := make(chan bool)
	go a.run(done)
	a.stop(2)
	println(a.status)
	<-done
}
