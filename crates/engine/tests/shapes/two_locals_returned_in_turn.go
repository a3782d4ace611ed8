// Two goroutines write two variables; that one function returns both, in different statements, makes them no one variable.
package main

func first(f, g func() int) int {
	var a, b int
	doneA, doneB := make(chan bool), make(chan bool)
	go func() {
		a = f()
		close(doneA)
	}()
	go func() {
		b = g()
		close(doneB)
	}()
	<-doneA
	if a != 0 {
		return a
	}
	<-doneB
	return b
}

func main() {
	one := func() int { return 1 }
	println(first(one, one))
}
