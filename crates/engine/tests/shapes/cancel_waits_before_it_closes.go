// Cancel waits for the goroutine that sets the producer before it looks at it.
package main

import "sync"

type target struct {
	wg       sync.WaitGroup
	quit     chan struct{}
	producer *int
}

func (t *target) loop() {
	defer t.wg.Done()
	t.producer = new(int)
	<-t.quit
}

func (t *target) cancel() {
	close(t.quit)
	t.wg.Wait()
	if t.producer != nil {
		println("closed")
	}
}

func main() {
	t := &target{quit: make(chan struct{})}
	t.wg.Add(1)
	go t.loop()
	t.cancel()
}
