// Package shipping charges for delivery.
package shipping

import (
	"context"

	"unpanic.dev/examples/orders/internal/order"
	"unpanic.dev/examples/orders/internal/plugins"
)

// Plugin charges a flat rate below a minimum.
type Plugin struct {
	RateCents     int64
	FreeFromCents int64
}

// Name says which plugin this is.
func (Plugin) Name() string { return "shipping" }

// Start registers the charge.
func (p Plugin) Start(context.Context) error {
	plugins.Register("shipping.flat", func(o order.Order) int64 {
		if o.TotalCents >= p.FreeFromCents {
			return 0
		}
		return p.RateCents
	})
	return nil
}
