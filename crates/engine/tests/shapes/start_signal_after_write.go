// The goroutine reads only after the signal, which is given after the write.
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
		if t.elected != nil {
			t.elected()
		}
	case <-ctx.Done():
		return
	}
}

func main() {
	ready, done := make(chan struct{}), make(chan bool)
	t := &tracker{ready: ready}
	go t.run(context.Background(), done)
	t.elected = func() {}
	close(ready)
	<-done
}
