// The file name is set before the goroutine that waits for the signal is started.
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
		println(pidfile)
		done <- true
	}()
}

func main() {
	done := make(chan bool)
	pidfile = "/run/x"
	trap(done)
	<-done
}
