// Each accepted connection has a peer of its own, named before the goroutines of that peer start.
package main

import (
	"net"
	"sync"
)

type peer struct {
	conn net.Conn
	name string
}

func (p *peer) greet() { _, _ = p.conn.Write([]byte(p.name)) }

func serve(l net.Listener, n int, wg *sync.WaitGroup) {
	for range n {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			p := &peer{conn: conn}
			p.name = conn.RemoteAddr().String()
			wg.Add(1)
			go func() {
				defer wg.Done()
				p.greet()
			}()
			wg.Done()
		}()
	}
}

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	var wg sync.WaitGroup
	wg.Add(2)
	for range 2 {
		go func() { _, _ = net.Dial("tcp", l.Addr().String()) }()
	}
	serve(l, 2, &wg)
	wg.Wait()
}
