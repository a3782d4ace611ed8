// The listener is added before the call that starts the goroutine which calls it.
package main

type options struct {
	slow func() int
	tick chan chan int
}

func (o *options) addListener(f func() int) { o.slow = f }

func (o *options) makeDir() {
	go func() {
		out := <-o.tick
		if o.slow != nil {
			out <- 1
		} else {
			out <- 0
		}
	}()
}

func main() {
	o := &options{tick: make(chan chan int, 1)}
	out := make(chan int, 1)
	o.tick <- out
	o.addListener(func() int { return 1 })
	o.makeDir()
	println(<-out)
}
