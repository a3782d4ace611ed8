// Package prices keeps the price list, which is loaded again when it is old.
package prices

import (
	"fmt"
	"time"
)

// List answers what an article costs.
type List struct {
	cents  map[string]int
	loaded time.Time
	maxAge time.Duration
}

// New returns an empty list whose prices are loaded when they are older than maxAge.
func New(maxAge time.Duration) *List {
	return &List{cents: make(map[string]int), maxAge: maxAge}
}

// Of is the price of an article in cents.
func (l *List) Of(article string) (int, bool) {
	if time.Since(l.loaded) > l.maxAge {
		l.load()
	}
	cents, ok := l.cents[article]
	return cents, ok
}

// load reads the price list; here it is computed.
func (l *List) load() {
	for i := 0; i < 20000; i++ {
		l.cents[fmt.Sprintf("article-%d", i)] = 100 + i%900
	}
	l.loaded = time.Now()
}
