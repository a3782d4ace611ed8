// Races: the variable points at what all share.
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
		u = base
	}
	u.query = query // want "RACE001"
	return u.host + u.query
}

func main() {
	for range 2 {
		wg.Go(func() { println(ask("x")) })
	}
	wg.Wait()
}
