// Past the select the goroutine has ended: one arm receives, the other receives too and returns.
package main

import "context"

func exchange(ctx context.Context, do func() (int, error)) (int, error) {
	var err error
	var n int
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err = do()
		if err != nil {
			return
		}
		n, err = do()
	}()
	select {
	case <-ctx.Done():
		<-done
		return 0, ctx.Err()
	case <-done:
	}
	if err != nil {
		return 0, err
	}
	return n, nil
}

func main() {
	n, _ := exchange(context.Background(), func() (int, error) { return 1, nil })
	println(n)
}
