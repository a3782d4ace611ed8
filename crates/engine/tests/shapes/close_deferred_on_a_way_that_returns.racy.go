// Races: the goroutine is started on that way too, and may send after the close.
package main

import "errors"

func results(fail bool) <-chan error {
	out := make(chan error, 2)
	go func() { out <- nil }()
	if fail {
		defer close(out) // want "CHAN001"
		out <- errors.New("refused")
		return out
	}
	return out
}

func main() {
	println(<-results(false), <-results(true))
}
