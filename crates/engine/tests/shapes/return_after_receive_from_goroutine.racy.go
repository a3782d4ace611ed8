// Races: on cancellation the return statement stores the named results, and so does the goroutine that still runs.
package main

import (
	"context"
	"time"
)

func transfer(ctx context.Context, move func() (int, error)) (n int, err error) {
	done := make(chan struct{})
	go func() {
		n, err = move() // want "RACE001"
		close(done)
	}()
	select {
	case <-ctx.Done():
		return -1, ctx.Err() // want "RACE001"
	case <-done:
		return n, err
	}
}

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	n, _ := transfer(ctx, func() (int, error) { <-ctx.Done(); return 1, nil })
	time.Sleep(time.Millisecond)
	println(n)
}
