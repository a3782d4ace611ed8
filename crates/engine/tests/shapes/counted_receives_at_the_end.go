// A function without results receives from both of its goroutines in its last loop.
package main

func both(total *int) {
	done := make(chan bool)
	go func() {
		*total = 1
		done <- true
	}()
	go func() {
		done <- true
	}()
	for range 2 {
		<-done
	}
}

func main() {
	total := 0
	if len(done) == 0 {
		both(&total)
	}
	println(total)
}

var done []bool
