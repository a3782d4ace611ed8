// The return that skips Wait carries an error, at which the caller leaves its loop: no second activation writes while the goroutine runs.
package main

import (
	"errors"

	"golang.org/x/sync/errgroup"
)

type request struct{ start int }

func one(r *request) error {
	var group errgroup.Group
	r.start++
	group.Go(func() error {
		println(r.start)
		return nil
	})
	if r.start > 2 {
		return errors.New("too late")
	}
	return group.Wait()
}

func main() {
	r := &request{}
	for range 5 {
		if err := one(r); err != nil {
			return
		}
	}
}
