// Races: the signal is given before the write.
package main

import "context"

type tracker struct {
	ready   <-chan struct{}
	elected func()
}

func (t *tracker) run(ctx context.Context, done chan<- bool) {
	defer close(done)
	select {
	case <-t.ready:
		println(t.elected != nil) // want "RACE001"
	case <-ctx.Done():
		return
	}
}

func main() {
	ready, done := make(chan struct{}), make(chan bool)
	t := &tracker{ready: ready}
	go t.run(context.Background(), done)
	close(ready)
	t.elected = func() {} // want "RACE001"
	<-done
}
