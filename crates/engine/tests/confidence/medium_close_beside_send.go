// medium: whether a send comes after the close is counted by the program in its own way, as a rule.
package main

import "time"

func main() {
	out := make(chan int, 1)
	go func() { out <- 1 }()
	close(out)
	time.Sleep(time.Millisecond)
}
