// Races: the callee does not wait for the goroutine that fills what it returns.
package main

import "golang.org/x/sync/errgroup"

type usage struct{ containers int }

func measure() (*usage, error) {
	var group errgroup.Group
	u := &usage{}
	group.Go(func() error {
		u.containers = 1 // want "RACE001"
		return nil
	})
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
		u = measured
		return nil
	})
	if group.Wait() != nil {
		return 0
	}
	return u.containers // want "RACE001"
}

func main() {
	println(report())
}
