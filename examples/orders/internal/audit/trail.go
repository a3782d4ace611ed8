// Package audit keeps a trail of who called what.
package audit

import (
	"strings"
	"sync"

	"google.golang.org/grpc/metadata"
)

// Trail is written in the background, so that calls do not wait for it.
type Trail struct {
	writing sync.WaitGroup

	mu    sync.Mutex
	lines []string
}

// Record writes one call to the trail.
func (t *Trail) Record(method string, md metadata.MD) {
	t.writing.Add(1)
	go t.write(method, md)
}

// Lines waits for the calls that are being written and gives the whole trail.
func (t *Trail) Lines() []string {
	t.writing.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.lines...)
}

func (t *Trail) write(method string, md metadata.MD) {
	defer t.writing.Done()
	var line strings.Builder
	line.WriteString(method)
	for name, values := range md {
		line.WriteString(" " + name + "=" + strings.Join(values, ","))
	}

	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line.String())
}
