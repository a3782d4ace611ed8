// What is deferred on a way that ends in a return of its own does not run at the other returns.
package main

import "errors"

func results(fail bool) <-chan error {
	out := make(chan error, 1)
	if fail {
		defer close(out)
		out <- errors.New("refused")
		return out
	}
	go func() { out <- nil }()
	return out
}

func main() {
	println(<-results(false), <-results(true))
}
