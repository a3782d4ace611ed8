// Hazard 2: context.WithValue keeps the very map that it is given; whoever takes it out can write it.
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"sync"
)

type fieldsKey struct{}

func fields(ctx context.Context) map[int]int {
	return ctx.Value(fieldsKey{}).(map[int]int)
}

func main() {
	original := map[int]int{}
	ctx := context.WithValue(context.Background(), fieldsKey{}, original)
	switch os.Args[1] {
	case "same":
		fields(ctx)[1] = 1
		fmt.Printf("seen_by_the_original=%t\n", len(original) == 1)
	case "once":
		run(func(g, _ int) { fields(ctx)[g] = 1 }, 1)
	case "loop":
		run(func(g, i int) { fields(ctx)[g] = i }, 20_000)
	case "fixed":
		run(func(g, i int) {
			own := maps.Clone(fields(ctx))
			own[g] = i
			_ = context.WithValue(ctx, fieldsKey{}, own)
		}, 20_000)
	}
}

// run calls write so many times from two goroutines, which start together.
func run(write func(g, i int), times int) {
	start := make(chan struct{})
	var done sync.WaitGroup
	for g := 0; g < 2; g++ {
		g := g
		done.Add(1)
		go func() {
			defer done.Done()
			<-start
			for i := 0; i < times; i++ {
				write(g, i)
			}
		}()
	}
	close(start)
	done.Wait()
}
