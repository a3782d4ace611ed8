// Races: one way to stop writes the status beside the Once.
package main

import "sync"

type app struct {
	once   sync.Once
	status int
}

func (a *app) stop(status int) {
	a.once.Do(func() { a.status = status }) // want "RACE001"
}

func (a *app) run(done chan<- bool) {
	a.status = 1 // want "RACE001"
	done <- true
}

func main() {
	a := &app{}
	done := make(chan bool)
	go a.run(done)
	a.stop(2)
	<-done
}
