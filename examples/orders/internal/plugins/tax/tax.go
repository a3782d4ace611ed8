// Package tax adds what the state wants.
package tax

import (
	"context"
	"fmt"

	"unpanic.dev/examples/orders/internal/order"
	"unpanic.dev/examples/orders/internal/plugins"
)

// percent is the rate of each country.
var percent = map[string]int64{}

func init() {
	percent["at"] = 20
	percent["de"] = 19
	percent["se"] = 25
}

// Plugin adds the tax of one country.
type Plugin struct {
	Country string
}

// Name says which plugin this is.
func (Plugin) Name() string { return "tax" }

// Start registers the tax.
func (p Plugin) Start(context.Context) error {
	rate, ok := percent[p.Country]
	if !ok {
		return fmt.Errorf("no tax rate for %q", p.Country)
	}
	plugins.Register("tax."+p.Country, func(o order.Order) int64 {
		return o.TotalCents * rate / 100
	})
	return nil
}
