// Command importer loads product feeds. Every stage adds what it learnt to the fields of the job,
// which travel with the context and end up in the job's log line.
package main

import (
	"context"
	"fmt"
	"maps"
	"sync"
)

type fieldsKey struct{}

// fieldSet are the log fields of one job.
type fieldSet struct {
	mu     sync.Mutex
	values map[string]string
}

func (f *fieldSet) set(key, value string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.values[key] = value
}

func (f *fieldSet) snapshot() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.values)
}

// withFields attaches an empty set of log fields to the job.
func withFields(ctx context.Context, job string) context.Context {
	return context.WithValue(ctx, fieldsKey{}, &fieldSet{values: map[string]string{"job": job}})
}

// fields are the log fields of the job that ctx belongs to.
func fields(ctx context.Context) *fieldSet {
	f, ok := ctx.Value(fieldsKey{}).(*fieldSet)
	if !ok {
		return &fieldSet{values: map[string]string{}}
	}
	return f
}

// fetch reads one feed page by page.
func fetch(ctx context.Context, feed string) {
	for page := 0; page < 200; page++ {
		fields(ctx).set(feed, fmt.Sprintf("page %d", page))
	}
}

func main() {
	ctx := withFields(context.Background(), "nightly")

	var stages sync.WaitGroup
	for _, feed := range []string{"books", "music", "games"} {
		stages.Add(1)
		go func() {
			defer stages.Done()
			fetch(ctx, feed)
		}()
	}
	stages.Wait()

	fmt.Println(fields(ctx).snapshot())
}
