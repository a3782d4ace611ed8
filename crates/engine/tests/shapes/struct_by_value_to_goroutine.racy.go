// Races: the goroutine gets a pointer to the struct.
package main

type config struct{ id string }

type aggregator struct{ config *config }

func (a *aggregator) loop(c *config, done chan<- bool) {
	a.config = c
	a.config.id = "loop" // want "RACE001"
	done <- true
}

type folder struct{ config }

func (f *folder) watch() {
	done := make(chan bool)
	a := &aggregator{}
	go a.loop(&f.config, done)
	f.config.id = "folder" // want "RACE001"
	<-done
}

func main() {
	f := &folder{}
	f.watch()
}
