// The receive lies on every way on which the channel is made, not on every way.
package main

import "os"

func main() {
	state := "none"
	if len(os.Args) > 0 {
		done := make(chan bool)
		go func() {
			state = "ready"
			done <- true
			println("told")
		}()
		<-done
	}
	println(state)
}
