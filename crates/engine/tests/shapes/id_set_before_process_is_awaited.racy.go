// Races: the reader does not wait for the event loop.
package main

type process struct {
	id      string
	known   chan bool
	stopped chan bool
}

func (p *process) events() {
	p.id = "x" // want "RACE001"
	close(p.known)
}

func (p *process) wait() {
	println(p.id) // want "RACE001"
	close(p.stopped)
}

func main() {
	p := &process{known: make(chan bool), stopped: make(chan bool)}
	go p.events()
	go p.wait()
	<-p.stopped
	<-p.known
}
