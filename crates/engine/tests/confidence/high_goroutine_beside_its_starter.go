// high: two goroutines of one function, nothing between them.
package main

import "time"

func main() {
	n := 0
	go func() { n++ }()
	n++
	time.Sleep(time.Millisecond)
}
