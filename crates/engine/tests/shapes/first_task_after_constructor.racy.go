// Races: the constructor sends the first task before it sets the field.
package main

type histogram struct{ sum int }

type cache struct {
	tasks   chan int
	done    chan bool
	latency *histogram
}

func open() *cache {
	c := &cache{tasks: make(chan int, 8), done: make(chan bool)}
	go func() {
		for v := range c.tasks {
			println(v, c.latency != nil) // want "RACE001"
		}
		close(c.done)
	}()
	c.put(0)
	c.latency = &histogram{} // want "RACE001"
	return c
}

func (c *cache) put(v int) { c.tasks <- v }

func main() {
	c := open()
	c.put(1)
	close(c.tasks)
	<-c.done
}
