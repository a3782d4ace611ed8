// Races: the helper returns when the context ends, and its goroutine still writes the captured variable.
package main

import (
	"context"
	"time"
)

func call(ctx context.Context, f func()) error {
	done := make(chan struct{})
	go func() {
		f()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var kind int
	err := call(ctx, func() {
		<-ctx.Done()
		kind = 1 // want "RACE001"
	})
	println(kind, err != nil) // want "RACE001"
	time.Sleep(time.Millisecond)
}
