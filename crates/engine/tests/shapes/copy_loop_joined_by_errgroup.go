// The pair of copy loops is joined by the group before the byte counts are read.
package main

import "golang.org/x/sync/errgroup"

type pipe struct{ sent, received int }

func (p *pipe) run() (int, int) {
	var group errgroup.Group
	group.Go(func() error {
		p.sent++
		return nil
	})
	group.Go(func() error {
		p.received++
		return nil
	})
	_ = group.Wait()
	return p.sent, p.received
}

func main() {
	sent, received := (&pipe{}).run()
	println(sent, received)
}
