// Races: the context ends by itself after a while, and with the caller's.
package main

import (
	"context"
	"os"
	"os/signal"
	"time"
)

func wait(parent context.Context) {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	var got os.Signal
	go func() {
		got = <-signals // want "RACE001"
		cancel()
	}()
	<-ctx.Done()
	if got != nil {
		println(got.String())
	}
}

func waitAWhile() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	var got os.Signal
	go func() {
		got = <-signals // want "RACE001"
		cancel()
	}()
	<-ctx.Done()
	if got != nil {
		println(got.String())
	}
}

func main() {
	waitAWhile()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	wait(ctx)
}
