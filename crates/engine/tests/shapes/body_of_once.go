// The body of a package-level Once runs once: what it writes before its go statement comes before that goroutine and before every return of Do.
package main

import "sync"

var (
	once    sync.Once
	conn    *int
	running bool
	wg      sync.WaitGroup
)

func dial() {
	conn = new(int)
	running = *conn == 0
	wg.Go(watch)
}

func watch() { println(*conn, running) }

func check() {
	once.Do(dial)
	if running {
		println(*conn)
	}
}

func main() {
	wg.Go(check)
	wg.Go(check)
	wg.Wait()
}
