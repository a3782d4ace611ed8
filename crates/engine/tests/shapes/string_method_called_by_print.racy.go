// Races: the String method that printing calls takes no lock.
package main

import (
	"fmt"
	"sync"
)

type aggregator struct {
	mu     sync.Mutex
	folder string
}

func (a *aggregator) String() string {
	return "aggregator of " + a.folder // want "RACE001"
}

func (a *aggregator) update(folder string) {
	a.mu.Lock()
	a.folder = folder // want "RACE001"
	a.mu.Unlock()
}

func main() {
	a := &aggregator{}
	done := make(chan bool)
	go func() {
		fmt.Printf("%v\n", a)
		done <- true
	}()
	a.update("b")
	<-done
}
