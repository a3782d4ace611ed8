// Leaks entries: the literal keeps the map as it is.
package main

import "sync"

type converter struct {
	labels map[string]string
	target any
}

func (c *converter) reset(target any) {
	labels := c.labels
	*c = converter{labels: labels, target: target}
}

var pool = sync.Pool{New: func() any { return &converter{labels: map[string]string{}} }}

func use(name string) int {
	c := pool.Get().(*converter)
	c.labels[name] = "x"
	n := len(c.labels)
	c.reset(nil)
	pool.Put(c) // want "POOL002"
	return n
}

func main() {
	println(use("a"), use("b"))
}
