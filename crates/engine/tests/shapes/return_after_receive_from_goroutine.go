// The return statement stores the named results after the receive from the goroutine that stores them too.
package main

import "context"

func transfer(ctx context.Context, move func() (int, error)) (n int, err error) {
	done := make(chan struct{})
	go func() {
		n, err = move()
		close(done)
	}()
	select {
	case <-ctx.Done():
		<-done
		return -1, ctx.Err()
	case <-done:
		return n, err
	}
}

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	n, _ := transfer(ctx, func() (int, error) { return 1, nil })
	println(n)
}
