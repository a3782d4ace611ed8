// Package event has the messages that tell other systems about orders. Events are made often and live
// shortly, so they are pooled.
package event

import (
	"sync"

	"unpanic.dev/examples/orders/internal/order"
)

// Event is something that happened to an order.
type Event struct {
	Kind       string
	OrderID    string
	Attributes map[string]string
}

var pool = sync.Pool{
	New: func() any { return &Event{Attributes: make(map[string]string, 8)} },
}

// New takes an event from the pool. Release gives it back.
func New(kind string, o order.Order) *Event {
	e := pool.Get().(*Event)
	e.Kind, e.OrderID = kind, o.ID
	e.Attributes["customer"] = o.Customer
	e.Attributes["status"] = string(o.Status)
	return e
}

// Release gives an event back to the pool.
func (e *Event) Release() {
	e.Kind, e.OrderID = "", "" // want "RACE001"
	clear(e.Attributes)
	pool.Put(e)
}
