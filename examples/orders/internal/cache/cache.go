// Package cache keeps values for a while.
package cache

import (
	"sync"
	"time"
)

// Cache forgets what is older than its time to live. Its methods may be called from any goroutine.
type Cache[K comparable, V any] struct {
	ttl time.Duration

	mu      sync.Mutex
	entries map[K]entry[V]
}

type entry[V any] struct {
	value  V
	loaded time.Time
}

// New makes a cache whose values live for ttl.
func New[K comparable, V any](ttl time.Duration) *Cache[K, V] {
	return &Cache[K, V]{ttl: ttl, entries: make(map[K]entry[V])}
}

// Get is the value of key, loaded when it is missing or too old.
func (c *Cache[K, V]) Get(key K, load func(K) (V, error)) (V, error) {
	c.mu.Lock()
	e, ok := c.entries[key]
	c.mu.Unlock()
	if ok && time.Since(e.loaded) < c.ttl {
		return e.value, nil
	}

	value, err := load(key)
	if err != nil {
		return value, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[key] = entry[V]{value: value, loaded: time.Now()}
	return value, nil
}

// Sweep drops what is too old and says how much that was.
func (c *Cache[K, V]) Sweep() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	dropped := 0
	for key, e := range c.entries {
		if time.Since(e.loaded) >= c.ttl {
			delete(c.entries, key)
			dropped++
		}
	}
	return dropped
}
