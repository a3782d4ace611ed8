// The helper waits for its goroutine also when the context ends first.
package main

import "context"

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
		<-done
		return ctx.Err()
	}
}

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var kind int
	err := call(ctx, func() { kind = 1 })
	println(kind, err != nil)
}
