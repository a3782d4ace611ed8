// Races: the arm of the context goes on without the goroutine.
package main

import "context"

func take(ctx context.Context, f func() error) error {
	done := make(chan struct{})
	var err error
	go func() {
		err = f() // want "RACE001"
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		println("cancelled")
	}
	return err // want "RACE001"
}

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = take(ctx, func() error { <-ctx.Done(); return nil })
}
