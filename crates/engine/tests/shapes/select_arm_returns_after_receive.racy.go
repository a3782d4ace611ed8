// Races: the arm of the context falls through to the read without waiting.
package main

import "context"

func exchange(ctx context.Context, do func() (int, error)) (int, error) {
	var n int
	done := make(chan struct{})
	go func() {
		defer close(done)
		n, _ = do() // want "RACE001"
	}()
	select {
	case <-ctx.Done():
	case <-done:
	}
	return n, nil // want "RACE001"
}

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	n, _ := exchange(ctx, func() (int, error) { <-ctx.Done(); return 1, nil })
	println(n)
}
