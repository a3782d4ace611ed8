// Each goroutine starts others that read the query, then fills it.
package main

import "time"

type query struct{ reverse bool }

func fetch(q *query) {
	for range 2 {
		go func() { _ = q.reverse }()
	}
	q.reverse = true // want "RACE001"
}

func main() {
	for range 4 {
		q := &query{}
		go fetch(q)
	}
	time.Sleep(5 * time.Millisecond)
}
