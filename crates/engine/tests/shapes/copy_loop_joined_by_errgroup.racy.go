// Races: both loops count in one field.
package main

import "golang.org/x/sync/errgroup"

type pipe struct{ sent, received int }

func (p *pipe) run() (int, int) {
	var group errgroup.Group
	group.Go(func() error {
		p.sent++ // want "RACE001"
		return nil
	})
	group.Go(func() error {
		p.sent += 2 // want "RACE001"
		return nil
	})
	_ = group.Wait()
	return p.sent, p.received
}

func main() {
	sent, received := (&pipe{}).run()
	println(sent, received)
}
