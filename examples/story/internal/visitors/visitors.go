// Package visitors counts who calls, for a page that only the shop's owner opens.
package visitors

import "sort"

// Counter counts calls by visitor.
type Counter struct {
	calls map[string]int
}

// New returns a counter of nothing.
func New() *Counter {
	return &Counter{calls: make(map[string]int)}
}

// Seen counts one call.
func (c *Counter) Seen(visitor string) {
	c.calls[visitor]++
}

// Top returns the n visitors who called most.
func (c *Counter) Top(n int) []string {
	names := make([]string, 0, len(c.calls))
	for name := range c.calls {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool { return c.calls[names[i]] > c.calls[names[j]] })
	return names[:min(n, len(names))]
}
