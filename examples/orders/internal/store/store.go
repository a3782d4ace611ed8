// Package store keeps orders in memory.
package store

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"unpanic.dev/examples/orders/internal/order"
)

// Store holds all orders. Its methods may be called from any goroutine.
type Store struct {
	now func() time.Time

	mu         sync.RWMutex
	next       int
	orders     map[string]order.Order
	byCustomer map[string][]string
}

// New makes an empty store.
func New(now func() time.Time) *Store {
	return &Store{
		now:        now,
		orders:     make(map[string]order.Order),
		byCustomer: make(map[string][]string),
	}
}

// Add gives the order an id and keeps it.
func (s *Store) Add(o order.Order) order.Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	o.ID = fmt.Sprintf("o-%06d", s.next)
	o.Status = order.Placed
	o.PlacedAt = s.now()
	s.insertLocked(o)
	return o
}

// Get is one order.
func (s *Store) Get(id string) (order.Order, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	o, ok := s.orders[id]
	if !ok {
		return order.Order{}, fmt.Errorf("%s: %w", id, order.ErrNotFound)
	}
	return o, nil
}

// SetStatus moves an order on.
func (s *Store) SetStatus(id string, status order.Status) (order.Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.orders[id]
	if !ok {
		return order.Order{}, fmt.Errorf("%s: %w", id, order.ErrNotFound)
	}
	o.Status = status
	s.orders[id] = o
	return o, nil
}

// OfCustomer are a customer's orders, oldest first.
func (s *Store) OfCustomer(customer string) []order.Order {
	s.mu.RLock()
	ids := slices.Clone(s.byCustomer[customer])
	s.mu.RUnlock()

	found := make([]order.Order, 0, len(ids))
	for _, id := range ids {
		if o, err := s.Get(id); err == nil {
			found = append(found, o)
		}
	}
	return found
}

// CountByStatus says how many orders there are in each status.
func (s *Store) CountByStatus() map[order.Status]int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	counts := make(map[order.Status]int)
	for _, o := range s.orders {
		counts[o.Status]++
	}
	return counts
}

// insertLocked is called with s.mu held for writing.
func (s *Store) insertLocked(o order.Order) {
	s.orders[o.ID] = o
	s.byCustomer[o.Customer] = append(s.byCustomer[o.Customer], o.ID)
}
