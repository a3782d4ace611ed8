// The worker starts before the field is set, but reads it only for a task, and only methods of the finished object send tasks.
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
			c.latency.sum += v
		}
		close(c.done)
	}()
	c.latency = &histogram{}
	return c
}

func (c *cache) put(v int) { c.tasks <- v }

func main() {
	c := open()
	c.put(1)
	close(c.tasks)
	<-c.done
}
