package recovery

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Counter counts panics and serves them as go_panic_total in the text format of Prometheus
// (https://prometheus.io/docs/instrumenting/exposition_formats/). Use it where there is no metrics
// library. The zero value is ready; it is safe for concurrent use.
type Counter struct {
	mu     sync.Mutex
	counts map[labels]uint64
}

type labels struct {
	boundary Boundary
	route    string
}

// CountPanic implements Metrics.
func (c *Counter) CountPanic(boundary Boundary, route string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = make(map[labels]uint64)
	}
	c.counts[labels{boundary, route}]++
}

// ServeHTTP writes the counts.
func (c *Counter) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	// The client is gone if this fails; there is nobody left to tell.
	_, _ = io.WriteString(w, c.text())
}

// escape quotes a label's value.
var escape = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

func (c *Counter) text() string {
	c.mu.Lock()
	lines := make([]string, 0, len(c.counts))
	for l, count := range c.counts {
		lines = append(lines, fmt.Sprintf("go_panic_total{kind=\"%s\",route=\"%s\"} %d\n",
			escape.Replace(string(l.boundary)), escape.Replace(l.route), count))
	}
	c.mu.Unlock()
	slices.Sort(lines)
	return "# HELP go_panic_total Panics that were recovered, by boundary and route.\n" +
		"# TYPE go_panic_total counter\n" + strings.Join(lines, "")
}
