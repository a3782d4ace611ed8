// Package order has the things that the whole service talks about: orders, their lines and status.
package order

import (
	"errors"
	"fmt"
	"time"
)

// Status is how far an order has come.
type Status string

// The life of an order.
const (
	Placed    Status = "placed"
	Packed    Status = "packed"
	Shipped   Status = "shipped"
	Cancelled Status = "cancelled"
)

// Line is a quantity of one article.
type Line struct {
	Article  string `json:"article"`
	Quantity int    `json:"quantity"`
}

// Order is what a customer has bought.
type Order struct {
	ID         string    `json:"id"`
	Customer   string    `json:"customer"`
	Status     Status    `json:"status"`
	TotalCents int64     `json:"total_cents"`
	Lines      []Line    `json:"lines"`
	PlacedAt   time.Time `json:"placed_at"`
}

// ErrNotFound is returned for an order that does not exist.
var ErrNotFound = errors.New("order not found")

// InvalidError says what is wrong with an order that was not taken.
type InvalidError struct {
	Field  string
	Reason string
}

func (e *InvalidError) Error() string {
	return fmt.Sprintf("%s: %s", e.Field, e.Reason)
}

// Validate checks what a customer has sent.
func Validate(customer string, lines []Line) error {
	if customer == "" {
		return &InvalidError{Field: "customer", Reason: "is missing"}
	}
	if len(lines) == 0 {
		return &InvalidError{Field: "lines", Reason: "an order needs at least one"}
	}
	seen := make(map[string]bool, len(lines))
	for _, line := range lines {
		if line.Quantity <= 0 {
			return &InvalidError{Field: "lines", Reason: fmt.Sprintf("quantity of %q must be positive", line.Article)}
		}
		if seen[line.Article] {
			return &InvalidError{Field: "lines", Reason: fmt.Sprintf("%q is listed twice", line.Article)}
		}
		seen[line.Article] = true
	}
	return nil
}
