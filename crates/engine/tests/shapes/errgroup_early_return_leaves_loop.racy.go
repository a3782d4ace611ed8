// Races: the caller goes on after the error.
package main

import (
	"errors"

	"golang.org/x/sync/errgroup"
)

type request struct{ start int }

func one(r *request) error {
	var group errgroup.Group
	r.start++ // want "RACE001"
	group.Go(func() error {
		println(r.start) // want "RACE001"
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
			println(err)
		}
	}
}
