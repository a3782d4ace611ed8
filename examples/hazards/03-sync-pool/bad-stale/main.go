// Command events takes events from several producers, labels each and ships it. Events are pooled.
package main

import (
	"fmt"
	"sync"
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

// handle labels one event and says how many labels it was shipped with.
func handle(producer, n int) int {
	e := newEvent("order.created")
	e.Labels[fmt.Sprintf("producer-%d", producer)] = fmt.Sprint(n)
	shipped := len(e.Labels)
	events.Put(e) // want "POOL002"
	return shipped
}

func main() {
	most := make([]int, 4)

	var producers sync.WaitGroup
	for p := range most {
		producers.Add(1)
		go func() {
			defer producers.Done()
			for n := 0; n < 200; n++ {
				most[p] = max(most[p], handle(p, n))
			}
		}()
	}
	producers.Wait()

	fmt.Println("most labels on one event:", most)
}
