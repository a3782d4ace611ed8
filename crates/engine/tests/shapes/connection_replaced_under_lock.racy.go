// Races: the connection is replaced without the lock.
package main

import (
	"net"
	"sync"
)

type tail struct {
	mu   sync.Mutex
	conn net.Conn
}

func (t *tail) reconnect() {
	here, _ := net.Pipe()
	t.conn = here // want "RACE001"
}

func (t *tail) stop(done chan<- bool) {
	t.mu.Lock()
	println(t.conn != nil) // want "RACE001"
	t.mu.Unlock()
	done <- true
}

func main() {
	t := &tail{}
	t.reconnect()
	done := make(chan bool)
	go t.stop(done)
	t.reconnect()
	<-done
}
