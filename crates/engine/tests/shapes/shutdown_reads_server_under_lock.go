// The goroutine of the shutdown reads the global under the lock that a reload holds when it replaces it.
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
	current = &server{name}
}

func shutdown(done chan<- bool) {
	go func() {
		mu.Lock()
		s := current
		mu.Unlock()
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
