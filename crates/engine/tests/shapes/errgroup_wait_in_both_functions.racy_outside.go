// Races: the caller does not wait for the goroutine that sets its variable.
package main

import "golang.org/x/sync/errgroup"

type usage struct{ containers int }

func measure() (*usage, error) {
	var group errgroup.Group
	u := &usage{}
	group.Go(func() error {
		u.containers = 1
		return nil
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return u, nil
}

func report() int {
	var group errgroup.Group
	u := &usage{}
	group.Go(func() error {
		measured, err := measure()
		if err != nil {
			return err
		}
		u = measured // want "RACE001"
		return nil
	})
	return len(u.String()) // want "RACE001"
}

func (u usage) String() string { return "usage" }

func main() {
	println(report())
}
