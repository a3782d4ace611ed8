// A subtest that does not call Parallel runs before Run returns: one after the other, and before what follows.
package main

import "testing"

func TestNames(t *testing.T) {
	base := []string{"a"}
	ready := false
	defer func() {
		if ready {
			println(len(base))
		}
	}()
	for _, name := range []string{"x", "y"} {
		t.Run(name, func(t *testing.T) {
			ready = true
			base = append(base, name)
		})
	}
}
