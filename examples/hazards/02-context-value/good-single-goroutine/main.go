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

// importFeed runs the stages of one feed, one after the other.
func importFeed(ctx context.Context, feed string) string {
	ctx = withFields(ctx, feed)
	fields(ctx)["fetched"] = "yes"
	parse(ctx)
	return fmt.Sprint(fields(ctx))
}

func parse(ctx context.Context) {
	for row := 0; row < 100; row++ {
		fields(ctx)["row"] = fmt.Sprint(row)
	}
}

func main() {
	ctx := context.Background()

	lines := make(chan string, 3)
	var imports sync.WaitGroup
	for _, feed := range []string{"books", "music", "games"} {
		imports.Add(1)
		go func() {
			defer imports.Done()
			lines <- importFeed(ctx, feed)
		}()
	}
	imports.Wait()
	close(lines)

	for line := range lines {
		fmt.Println(line)
	}
}
