// Races: the goroutine is started before the listener is added.
package main

type options struct {
	slow func() int
	tick chan chan int
}

func (o *options) addListener(f func() int) { o.slow = f } // want "RACE001"

func (o *options) makeDir() {
	go func() {
		out := <-o.tick
		if o.slow != nil { // want "RACE001"
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
	o.makeDir()
	o.addListener(func() int { return 1 })
	println(<-out)
}
