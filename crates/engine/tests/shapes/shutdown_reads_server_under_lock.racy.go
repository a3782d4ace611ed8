// Races: the goroutine of the shutdown reads the global without the lock.
package main

import "sync"

type server struct{ name string }

var (
	mu      sync.Mutex
	current *server
)

func reload(name string) {
	mu.Lock()
	defer mu.Unlock()
	current = &server{name} // want "RACE001"
}

func shutdown(done chan<- bool) {
	go func() {
		s := current // want "RACE001"
		println(s != nil)
		done <- true
	}()
}

func main() {
	done := make(chan bool)
	reload("a")
	shutdown(done)
	reload("b")
	<-done
}
