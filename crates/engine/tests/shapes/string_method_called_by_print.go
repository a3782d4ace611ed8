// Printing the object calls its String method, which takes the lock that the writer holds.
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
	a.mu.Lock()
	defer a.mu.Unlock()
	return "aggregator of " + a.folder
}

func (a *aggregator) update(folder string) {
	a.mu.Lock()
	a.folder = folder
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
