package store

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"unpanic.dev/examples/orders/internal/order"
)

func TestAddGivesEachOrderItsOwnID(t *testing.T) {
	s := New(time.Now)

	var customers sync.WaitGroup
	for c := range 8 {
		customers.Go(func() {
			for range 50 {
				s.Add(order.Order{Customer: fmt.Sprintf("customer-%d", c)})
			}
		})
	}
	customers.Wait()

	if got := s.CountByStatus()[order.Placed]; got != 400 {
		t.Errorf("placed orders: got %d, want 400", got)
	}
	if got := len(s.OfCustomer("customer-3")); got != 50 {
		t.Errorf("orders of one customer: got %d, want 50", got)
	}
}

func TestGetOfAnUnknownOrder(t *testing.T) {
	if _, err := New(time.Now).Get("o-1"); !errors.Is(err, order.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}
