// Package notify sends events to other systems.
package notify

import (
	"fmt"
	"log/slog"
	"sync"

	"unpanic.dev/examples/orders/internal/event"
	"unpanic.dev/examples/orders/internal/order"
)

// Sink takes events.
type Sink interface {
	Send(e *event.Event)
}

// Notifier sends each change of an order to all sinks.
type Notifier struct {
	sinks []Sink
}

// New makes a notifier.
func New(sinks ...Sink) *Notifier {
	return &Notifier{sinks: sinks}
}

// Changed sends the change of an order.
func (n *Notifier) Changed(o order.Order) {
	e := event.New("order."+string(o.Status), o)
	defer e.Release()
	for _, sink := range n.sinks {
		sink.Send(e)
	}
}

// LogSink writes events to the log.
type LogSink struct {
	Logger *slog.Logger
}

// Send writes one event.
func (s LogSink) Send(e *event.Event) {
	s.Logger.Debug(e.Kind, "order", e.OrderID, "customer", e.Attributes["customer"])
}

// Poster delivers a message to a URL.
type Poster interface {
	Post(url, body string) error
}

// Webhook posts events to a URL. Deliveries take their time, so that Send does not wait for them.
type Webhook struct {
	URL     string
	Poster  Poster
	pending sync.WaitGroup
}

// Send posts one event.
func (w *Webhook) Send(e *event.Event) {
	w.pending.Go(func() {
		w.deliver(e)
	})
}

// Flush waits for the deliveries that are under way.
func (w *Webhook) Flush() {
	w.pending.Wait()
}

func (w *Webhook) deliver(e *event.Event) {
	const attempts = 3
	for attempt := 1; attempt <= attempts; attempt++ {
		e.Attributes["attempt"] = fmt.Sprint(attempt) // want "POOL001"
		if err := w.Poster.Post(w.URL, fmt.Sprint(e.Kind, e.Attributes)); err == nil {
			return
		}
	}
}
