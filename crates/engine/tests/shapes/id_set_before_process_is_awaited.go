// The reader is told by the event loop that the identifier is set.
package main

type process struct {
	id      string
	known   chan bool
	stopped chan bool
}

func (p *process) events() {
	p.id = "x"
	close(p.known)
}

func (p *process) wait() {
	<-p.known
	println(p.id)
	close(p.stopped)
}

func main() {
	p := &process{known: make(chan bool), stopped: make(chan bool)}
	go p.events()
	go p.wait()
	<-p.stopped
}
