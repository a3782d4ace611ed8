// The variables of a three-clause loop: one for the loop, or one an iteration.
package main

import "fmt"

func main() {
	var calls []func() int
	for i := 0; i < 3; i++ {
		calls = append(calls, func() int { return i })
	}
	fmt.Printf("three_clauses=%d %d %d\n", calls[0](), calls[1](), calls[2]())

	var pointers []*int
	for _, n := range []int{1, 2, 3} {
		pointers = append(pointers, &n)
	}
	fmt.Printf("range=%d %d %d\n", *pointers[0], *pointers[1], *pointers[2])
}
