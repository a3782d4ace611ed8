// Command importer loads product feeds. Every stage adds what it learnt to the fields of the job,
// which travel with the context and end up in the job's log line.
package main

import (
	"context"
	"fmt"
	"sync"
)

type fieldsKey struct{}

// withFields attaches an empty set of log fields to the job.
func withFields(ctx context.Context, job string) context.Context {
	return context.WithValue(ctx, fieldsKey{}, map[string]string{"job": job})
}

// fields are the log fields of the job that ctx belongs to.
func fields(ctx context.Context) map[string]string {
	f, ok := ctx.Value(fieldsKey{}).(map[string]string)
	if !ok {
		return map[string]string{}
	}
	return f
}

// fetch reads one feed page by page.
func fetch(ctx context.Context, feed string) {
	for page := 0; page < 200; page++ {
		fields(ctx)[feed] = fmt.Sprintf("page %d", page) // want "MAP003"
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

	fmt.Println(fields(ctx))
}
