// Races: both elements of the literal are one object, and each goroutine fills it.
package main

type config struct{ out []string }

func (c *config) fill() {
	if len(c.out) == 0 { // want "RACE001"
		c.out = []string{"stderr"} // want "RACE001"
	}
}

func main() {
	one := new(config)
	configs := []*config{one, one}
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
