// The goroutine has the old object; on the path with a goroutine the variable holds a new one before the write.
package main

type body struct{ level int }

func open(parallel bool, done chan<- int) *body {
	b := &body{level: 1}
	if parallel {
		old := b
		go func() { done <- old.level }()
		b = &body{level: 2}
	} else {
		close(done)
	}
	b.level++
	return b
}

func main() {
	done := make(chan int)
	println(open(true, done).level)
	println(<-done)
}
