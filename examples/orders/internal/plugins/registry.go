// Package plugins lets parts of the service that not every shop needs change an order's total.
package plugins

import (
	"maps"
	"slices"

	"unpanic.dev/examples/orders/internal/order"
)

// Adjustment is what a plugin adds to an order's total, in cents; less than zero takes away.
type Adjustment func(o order.Order) int64

var adjustments = map[string]Adjustment{}

// Register makes an adjustment known.
func Register(name string, adjust Adjustment) {
	adjustments[name] = adjust // want "MAP007"
}

// Names lists what is registered.
func Names() []string {
	return slices.Sorted(maps.Keys(adjustments))
}

// Apply is the sum of all adjustments of an order.
func Apply(o order.Order) int64 {
	var sum int64
	for _, adjust := range adjustments {
		sum += adjust(o)
	}
	return sum
}
