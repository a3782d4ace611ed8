// Package service takes orders: it prices them, takes them out of stock and sends them on their way.
// The HTTP and gRPC sides are thin layers on top of it.
package service

import (
	"context"
	"fmt"
	"log/slog"

	"unpanic.dev/examples/orders/internal/annotate"
	"unpanic.dev/examples/orders/internal/config"
	"unpanic.dev/examples/orders/internal/fulfil"
	"unpanic.dev/examples/orders/internal/inventory"
	"unpanic.dev/examples/orders/internal/metrics"
	"unpanic.dev/examples/orders/internal/order"
	"unpanic.dev/examples/orders/internal/plugins"
	"unpanic.dev/examples/orders/internal/pricing"
	"unpanic.dev/examples/orders/internal/pubsub"
	"unpanic.dev/examples/orders/internal/store"
)

// Orders is the service. Its methods may be called from any goroutine.
type Orders struct {
	Store     *store.Store
	Inventory *inventory.Inventory
	Pricer    *pricing.Pricer
	Pipeline  *fulfil.Pipeline
	Hub       *pubsub.Hub
	Metrics   *metrics.Recorder
	Flags     *config.Flags
	Logger    *slog.Logger
}

// Place takes an order.
func (s *Orders) Place(ctx context.Context, customer string, lines []order.Line) (order.Order, error) {
	ctx = annotate.With(ctx, "place")
	defer annotate.Log(ctx, s.Logger)
	annotate.Set(ctx, "customer", customer)

	if err := order.Validate(customer, lines); err != nil {
		return order.Order{}, err
	}
	total, err := s.Pricer.Total(ctx, lines)
	if err != nil {
		return order.Order{}, fmt.Errorf("pricing: %w", err)
	}
	if err := s.Inventory.Reserve(lines); err != nil {
		return order.Order{}, fmt.Errorf("stock: %w", err)
	}

	o := order.Order{Customer: customer, Lines: lines, TotalCents: total}
	if s.Flags.On("adjustments") {
		o.TotalCents += plugins.Apply(o)
	}
	o = s.Store.Add(o)
	s.Metrics.Placed()
	s.Hub.Publish(o)
	return o, s.Pipeline.Enqueue(ctx, o)
}

// Get is one order.
func (s *Orders) Get(id string) (order.Order, error) {
	return s.Store.Get(id)
}

// OfCustomer are a customer's orders, oldest first.
func (s *Orders) OfCustomer(customer string) []order.Order {
	return s.Store.OfCustomer(customer)
}

// CountByStatus says how many orders there are in each status.
func (s *Orders) CountByStatus() map[order.Status]int {
	return s.Store.CountByStatus()
}
