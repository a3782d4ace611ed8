// Races: the context holds a pointer, which all calls get.
package main

import (
	"context"
	"sync"
)

type key struct{}

type stamp struct{ at, seen int }

type trace struct{ start *stamp }

func (t *trace) set(s *stamp) {
	t.start = s
	t.start.seen++ // want "RACE001"
}

func handle(ctx context.Context, wg *sync.WaitGroup) {
	defer wg.Done()
	t := &trace{}
	if s, ok := ctx.Value(key{}).(*stamp); ok {
		t.set(s)
	}
}

func main() {
	ctx := context.WithValue(context.Background(), key{}, &stamp{at: 1})
	var wg sync.WaitGroup
	wg.Add(2)
	go handle(ctx, &wg)
	go handle(ctx, &wg)
	wg.Wait()
}
