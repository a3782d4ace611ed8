// Package ratelimit holds back customers who ask too often.
package ratelimit

import (
	"sync"
	"time"
)

// Limiter allows each customer a number of requests in a window of time.
type Limiter struct {
	limit  int
	window time.Duration
	seen   sync.Map // customer -> *bucket
}

type bucket struct {
	mu    sync.Mutex
	count int
	since time.Time
}

// New makes a limiter.
func New(limit int, window time.Duration) *Limiter {
	return &Limiter{limit: limit, window: window}
}

// Allow counts a request and says whether it may go on.
func (l *Limiter) Allow(customer string) bool {
	value, _ := l.seen.LoadOrStore(customer, &bucket{since: time.Now()})
	b := value.(*bucket)
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Since(b.since) > l.window {
		b.count, b.since = 0, time.Now()
	}
	b.count++
	return b.count <= l.limit
}

// Sweep forgets customers who have been quiet for a window.
func (l *Limiter) Sweep() {
	l.seen.Range(func(key, value any) bool {
		b := value.(*bucket)
		b.mu.Lock()
		quiet := time.Since(b.since) > l.window
		b.mu.Unlock()
		if quiet {
			l.seen.Delete(key)
		}
		return true
	})
}
