// Each subtest assigns before it calls Parallel: up to that call it runs alone.
package main

import "testing"

func TestNames(t *testing.T) {
	last := ""
	for _, name := range []string{"x", "y"} {
		t.Run(name, func(t *testing.T) {
			last = name
			t.Parallel()
		})
	}
	println(last)
}
