// Races: the second variable is read without waiting for its goroutine.
package main

func first(f, g func() int) int {
	var a, b int
	doneA, doneB := make(chan bool), make(chan bool)
	go func() {
		a = f()
		close(doneA)
	}()
	go func() {
		b = g() // want "RACE001"
		close(doneB)
	}()
	<-doneA
	if a != 0 {
		return a
	}
	return b // want "RACE001"
}

func main() {
	one := func() int { return 0 }
	println(first(one, one))
}
