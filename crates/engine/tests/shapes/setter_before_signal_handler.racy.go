// Races: the file name is set when the goroutine may already have got the signal.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

var pidfile string

func trap(done chan<- bool) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
	go func() {
		<-c
		println(pidfile) // want "RACE001"
		done <- true
	}()
}

func main() {
	done := make(chan bool)
	trap(done)
	pidfile = "/run/x" // want "RACE001"
	<-done
}
