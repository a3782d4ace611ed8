// Package fulfil packs and ships orders.
package fulfil

import (
	"context"
	"log/slog"
	"sync"

	"unpanic.dev/examples/orders/internal/order"
	"unpanic.dev/examples/orders/internal/report"
)

// Statuses is where the pipeline writes how far an order has come.
type Statuses interface {
	SetStatus(id string, status order.Status) (order.Order, error)
}

// Changed is told of each order that has come further.
type Changed func(order.Order)

// Pipeline works through the orders that are queued, several at a time.
type Pipeline struct {
	statuses Statuses
	changed  Changed
	today    report.Day
	queue    chan order.Order
	workers  sync.WaitGroup
}

// New makes a pipeline; Start sets it to work.
func New(statuses Statuses, changed Changed, today report.Day) *Pipeline {
	return &Pipeline{
		statuses: statuses,
		changed:  changed,
		today:    today,
		queue:    make(chan order.Order, 256),
	}
}

// Start sets n workers to work.
func (p *Pipeline) Start(n int) {
	for range n {
		p.workers.Add(1)
		go p.work()
	}
}

// Enqueue adds an order to the queue.
func (p *Pipeline) Enqueue(ctx context.Context, o order.Order) error {
	select {
	case p.queue <- o:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close finishes what is queued. Nothing may be queued any more.
func (p *Pipeline) Close() report.Day {
	close(p.queue)
	p.workers.Wait()
	return p.today
}

func (p *Pipeline) work() {
	defer p.workers.Done()
	for o := range p.queue {
		if err := p.fulfil(o); err != nil {
			slog.Error("order is stuck", "order", o.ID, "error", err)
		}
	}
}

func (p *Pipeline) fulfil(o order.Order) error {
	for _, status := range []order.Status{order.Packed, order.Shipped} {
		next, err := p.statuses.SetStatus(o.ID, status)
		if err != nil {
			return err
		}
		o = next
		p.changed(o)
	}
	p.today.Add(o)
	return nil
}
