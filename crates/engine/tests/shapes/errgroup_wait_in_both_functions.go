// The callee waits for its goroutines, the caller for the goroutine that called it: two joins in a row.
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
		u = measured
		return nil
	})
	if group.Wait() != nil {
		return 0
	}
	return u.containers
}

func main() {
	println(report())
}
