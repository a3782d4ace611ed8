// The object is overwritten by a literal that keeps only a cleared map, before it goes back to the pool.
package main

import "sync"

type converter struct {
	labels map[string]string
	target any
}

func (c *converter) reset(target any) {
	labels := c.labels
	clear(labels)
	*c = converter{labels: labels, target: target}
}

var pool = sync.Pool{New: func() any { return &converter{labels: map[string]string{}} }}

func use(name string) int {
	c := pool.Get().(*converter)
	c.labels[name] = "x"
	n := len(c.labels)
	c.reset(nil)
	pool.Put(c)
	return n
}

func main() {
	println(use("a"), use("b"))
}
