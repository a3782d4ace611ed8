// medium: what the code that got the function waits for is its own affair.
package main

import "time"

func run(f func()) {
	done := make(chan struct{}, 1)
	go func() { f(); done <- struct{}{} }()
	select {
	case <-done:
	case <-time.After(time.Second):
	}
}

func main() {
	n := 0
	run(func() { n++ })
	n++
}
