// Each arm of the select receives from the channel that the goroutine closes last, the early one in its body.
package main

import "context"

func take(ctx context.Context, f func() error) error {
	done := make(chan struct{})
	var err error
	go func() {
		err = f()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		println("cancelled")
		<-done
	}
	return err
}

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = take(ctx, func() error { return nil })
}
