// A pointer variable is set to the address of a copy: what is written through it is the copy, not what was copied.
package main

import "sync"

type address struct{ host, query string }

var (
	base = &address{host: "localhost"}
	wg   sync.WaitGroup
)

func ask(query string) string {
	var u *address
	{
		c := *base
		u = &c
	}
	u.query = query
	return u.host + u.query
}

func main() {
	for range 2 {
		wg.Go(func() { println(ask("x")) })
	}
	wg.Wait()
}
