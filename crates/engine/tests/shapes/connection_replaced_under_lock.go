// The connection is replaced under the lock under which the other goroutine reads and closes it.
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
	t.mu.Lock()
	t.conn = here
	t.mu.Unlock()
}

func (t *tail) stop(done chan<- bool) {
	t.mu.Lock()
	if t.conn != nil {
		_ = t.conn.Close()
	}
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
