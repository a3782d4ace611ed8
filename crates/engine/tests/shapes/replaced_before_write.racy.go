// Races: the variable still holds the object that the goroutine reads.
package main

type body struct{ level int }

func open(parallel bool, done chan<- int) *body {
	b := &body{level: 1}
	if parallel {
		old := b
		go func() { done <- old.level }() // want "RACE001"
	} else {
		close(done)
	}
	b.level++ // want "RACE001"
	return b
}

func main() {
	done := make(chan int)
	println(open(true, done).level)
	println(<-done)
}
