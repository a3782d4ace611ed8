// Package report sums up what was sold.
package report

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"unpanic.dev/examples/orders/internal/order"
)

// Day is the report of one day.
type Day struct {
	Date  string
	cents map[string]int64
}

// NewDay starts an empty report.
func NewDay(date string) Day {
	return Day{Date: date, cents: make(map[string]int64)}
}

// Add counts an order in.
func (d Day) Add(o order.Order) {
	d.cents[o.Customer] += o.TotalCents // want "MAP002"
}

// Customers is how many customers have bought something.
func (d Day) Customers() int {
	return len(d.cents)
}

// WriteTo prints the report, a customer a line.
func (d Day) WriteTo(w io.Writer) (int64, error) {
	var written int64
	for _, customer := range slices.Sorted(maps.Keys(d.cents)) {
		n, err := fmt.Fprintf(w, "%s %s %d\n", d.Date, customer, d.cents[customer])
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}
