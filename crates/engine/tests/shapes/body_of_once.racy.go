// Races: the body is called without the Once.
package main

import "sync"

var (
	conn    *int
	running bool
	wg      sync.WaitGroup
)

func dial() {
	running = conn == nil // want "RACE001"
}

func watch() { println(running) }

func check() {
	dial()
	if running { // want "RACE001"
		println("up")
	}
}

func main() {
	wg.Go(check)
	wg.Go(check)
	wg.Wait()
}
