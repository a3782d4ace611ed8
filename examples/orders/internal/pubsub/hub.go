// Package pubsub tells whoever wants to know that an order has changed.
package pubsub

import (
	"sync"

	"unpanic.dev/examples/orders/internal/order"
)

// Hub hands changed orders to subscribers.
type Hub struct {
	mu          sync.Mutex
	subscribers map[int]chan order.Order
	next        int
}

// NewHub makes a hub without subscribers.
func NewHub() *Hub {
	return &Hub{subscribers: make(map[int]chan order.Order)}
}

// Subscribe gives a channel of changes and a function that ends the subscription.
func (h *Hub) Subscribe() (<-chan order.Order, func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	id := h.next
	h.next++
	changes := make(chan order.Order, 16)
	h.subscribers[id] = changes

	var once sync.Once
	return changes, func() {
		once.Do(func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			delete(h.subscribers, id)
			close(changes)
		})
	}
}

// Publish hands o to every subscriber that keeps up.
func (h *Hub) Publish(o order.Order) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, changes := range h.subscribers {
		select {
		case changes <- o:
		default:
		}
	}
}
