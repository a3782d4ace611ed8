// Command events takes events from several producers, labels each and ships it. Events are pooled.
package main

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// Event is one thing that happened, with its labels.
type Event struct {
	Name   string
	Labels map[string]string
}

var events = sync.Pool{
	New: func() any { return &Event{Labels: make(map[string]string)} },
}

func newEvent(name string) *Event {
	e := events.Get().(*Event)
	e.Name = name
	return e
}

func release(e *Event) {
	clear(e.Labels)
	events.Put(e)
}

// archive keeps a copy of what is shipped, without holding up the producer.
type archive struct {
	stored  atomic.Int64
	writers sync.WaitGroup
}

// store takes over e and releases it when it is archived.
func (a *archive) store(e *Event) {
	a.writers.Add(1)
	go func() {
		defer a.writers.Done()
		defer release(e)
		e.Labels["archived"] = "true"
		a.stored.Add(int64(len(e.Labels)))
	}()
}

// handle labels and ships one event.
func handle(a *archive, producer, n int) {
	e := newEvent("order.created")
	e.Labels["producer"] = fmt.Sprint(producer)
	e.Labels["sequence"] = fmt.Sprint(n)
	a.store(e)
}

func main() {
	a := &archive{}

	var producers sync.WaitGroup
	for p := 0; p < 4; p++ {
		producers.Add(1)
		go func() {
			defer producers.Done()
			for n := 0; n < 200; n++ {
				handle(a, p, n)
			}
		}()
	}
	producers.Wait()
	a.writers.Wait()

	fmt.Println("labels archived:", a.stored.Load())
}
