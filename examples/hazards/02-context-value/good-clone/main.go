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

// with adds one log field for this stage and the stages below it.
func with(ctx context.Context, key, value string) context.Context {
	next := maps.Clone(fields(ctx))
	if next == nil {
		next = make(map[string]string)
	}
	next[key] = value
	return context.WithValue(ctx, fieldsKey{}, next)
}

// fields are the log fields of the stage that ctx belongs to; they are not to be changed.
func fields(ctx context.Context) map[string]string {
	f, _ := ctx.Value(fieldsKey{}).(map[string]string)
	return f
}

// fetch reads one feed page by page.
func fetch(ctx context.Context, feed string) string {
	for page := 0; page < 200; page++ {
		ctx = with(ctx, feed, fmt.Sprintf("page %d", page))
	}
	return fmt.Sprint(fields(ctx))
}

func main() {
	ctx := with(context.Background(), "job", "nightly")

	lines := make(chan string, 3)
	var stages sync.WaitGroup
	for _, feed := range []string{"books", "music", "games"} {
		stages.Add(1)
		go func() {
			defer stages.Done()
			lines <- fetch(ctx, feed)
		}()
	}
	stages.Wait()
	close(lines)

	for line := range lines {
		fmt.Println(line)
	}
}
