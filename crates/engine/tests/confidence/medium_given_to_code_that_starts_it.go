// medium: what the code that got the function waits for is its own affair.
package main

import "time"

func run(f func()) {
	go f()
	time.Sleep(time.Millisecond)
}

func main() {
	n := 0
	run(func() { n++ })
	n++
}
