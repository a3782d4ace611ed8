// Races: both goroutines write one variable.
package main

func first(f, g func() int) int {
	var a int
	done := make(chan bool)
	go func() {
		a = f() // want "RACE001"
		done <- true
	}()
	go func() {
		a = g() // want "RACE001"
		done <- true
	}()
	<-done
	<-done
	return a
}

func main() {
	one := func() int { return 1 }
	println(first(one, one))
}
