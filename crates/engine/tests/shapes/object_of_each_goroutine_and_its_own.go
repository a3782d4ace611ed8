// Each goroutine fills the query that it got, then starts others that read it.
package main

import "time"

type query struct{ reverse bool }

func fetch(q *query) {
	q.reverse = true
	for range 2 {
		go func() { _ = q.reverse }()
	}
}

func main() {
	for range 4 {
		q := &query{}
		go fetch(q)
	}
	time.Sleep(5 * time.Millisecond)
}
