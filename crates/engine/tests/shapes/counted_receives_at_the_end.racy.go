// Races: one receive may take the value of the goroutine that writes nothing.
package main

func both(total *int) {
	done := make(chan bool)
	go func() {
		*total = 1 // want "RACE001"
		done <- true
	}()
	go func() {
		done <- true
	}()
	<-done
}

func main() {
	total := 0
	if len(done) == 0 {
		both(&total)
	}
	println(total) // want "RACE001"
}

var done []bool
