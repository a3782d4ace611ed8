// Each function of the table runs in one goroutine: the rows are two different methods on different fields.
package main

import "sync"

type node struct {
	wg      sync.WaitGroup
	gossips int
	reaps   int
}

func (n *node) gossip() { n.gossips++ }
func (n *node) reap()   { n.reaps++ }

func (n *node) start() {
	for _, row := range []struct {
		name string
		call func()
	}{
		{"gossip", n.gossip},
		{"reap", n.reap},
	} {
		n.wg.Add(1)
		go n.repeat(row.call)
	}
}

func (n *node) repeat(call func()) {
	defer n.wg.Done()
	for range 3 {
		call()
	}
}

func main() {
	n := &node{}
	n.start()
	n.wg.Wait()
}
