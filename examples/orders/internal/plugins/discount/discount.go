// Package discount takes something off for regular customers.
package discount

import (
	"context"
	"errors"

	"unpanic.dev/examples/orders/internal/order"
	"unpanic.dev/examples/orders/internal/plugins"
)

// Plugin takes a percentage off for the customers it is given.
type Plugin struct {
	Percent  int64
	Regulars []string
}

// Name says which plugin this is.
func (*Plugin) Name() string { return "discount" }

// Start registers the discount.
func (p *Plugin) Start(context.Context) error {
	if p.Percent < 0 || p.Percent > 100 {
		return errors.New("percentage out of range")
	}
	regular := make(map[string]bool, len(p.Regulars))
	for _, customer := range p.Regulars {
		regular[customer] = true
	}
	plugins.Register("discount.regular", func(o order.Order) int64 {
		if !regular[o.Customer] {
			return 0
		}
		return -o.TotalCents * p.Percent / 100
	})
	return nil
}
