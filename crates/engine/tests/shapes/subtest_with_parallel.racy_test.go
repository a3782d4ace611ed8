// Races: subtests that call Parallel run at the same time, and assign one variable.
package main

import (
	"testing"
	"time"
)

func TestNames(t *testing.T) {
	last := ""
	for _, name := range []string{"x", "y"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			time.Sleep(time.Millisecond)
			last = name // want "RACE001"
		})
	}
	t.Cleanup(func() { println(last) })
}
