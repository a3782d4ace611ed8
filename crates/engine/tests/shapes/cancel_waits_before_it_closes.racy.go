// Races: Cancel looks at the producer first and waits afterwards.
package main

import "sync"

type target struct {
	wg       sync.WaitGroup
	quit     chan struct{}
	producer *int
}

func (t *target) loop() {
	defer t.wg.Done()
	t.producer = new(int) // want "RACE001"
	<-t.quit
}

func (t *target) cancel() {
	close(t.quit)
	if t.producer != nil { // want "RACE001"
		println("closed")
	}
	t.wg.Wait()
}

func main() {
	t := &target{quit: make(chan struct{})}
	t.wg.Add(1)
	go t.loop()
	t.cancel()
}
