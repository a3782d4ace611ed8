// Races: the receive lies on some of the ways on which the channel is made.
package main

import "os"

func main() {
	state := "none"
	if len(os.Args) > 0 {
		done := make(chan bool, 1)
		go func() {
			state = "ready" // want "RACE001"
			done <- true
			println("told")
		}()
		if len(os.Args) > 1 {
			<-done
		}
	}
	println(state) // want "RACE001"
}
