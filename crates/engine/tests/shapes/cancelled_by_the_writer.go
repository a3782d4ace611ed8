// The goroutine writes, and then ends the context that nobody else can end: who sees the end comes after the write.
package main

import (
	"context"
	"os"
	"os/signal"
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	var got os.Signal
	go func() {
		got = <-signals
		cancel()
	}()
	<-ctx.Done()
	println(got.String())
}
