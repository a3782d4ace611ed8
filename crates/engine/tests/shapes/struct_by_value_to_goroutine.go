// The goroutine gets the struct by value and keeps it in an object of its own.
package main

type config struct{ id string }

type aggregator struct{ config config }

func (a *aggregator) loop(c config, done chan<- bool) {
	a.config = c
	a.config.id = "loop"
	done <- true
}

type folder struct{ config }

func (f *folder) watch() {
	done := make(chan bool)
	a := &aggregator{}
	go a.loop(f.config, done)
	f.config.id = "folder"
	<-done
}

func main() {
	f := &folder{}
	f.watch()
}
