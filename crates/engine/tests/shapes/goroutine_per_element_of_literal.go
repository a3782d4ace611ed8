// Each goroutine gets an element of its own: the literal holds two separate allocations.
package main

type config struct{ out []string }

func (c *config) fill() {
	if len(c.out) == 0 {
		c.out = []string{"stderr"}
	}
}

func main() {
	configs := []*config{new(config), new(config)}
	done := make(chan bool)
	for _, c := range configs {
		go func(c *config) {
			c.fill()
			done <- true
		}(c)
	}
	for range configs {
		<-done
	}
}
