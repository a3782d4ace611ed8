// Two closures that capture each other, behind a result that carries both: the one goroutine that steps them is joined.
package main

import "sync"

func machine() (func(int), *int) {
	sum := new(int)
	var even, odd func(int)
	even = func(n int) {
		*sum += n
		if n > 0 {
			odd(n - 1)
		}
	}
	odd = func(n int) {
		if n > 0 {
			even(n - 1)
		}
	}
	return even, sum
}

func main() {
	step, sum := machine()
	var wg sync.WaitGroup
	wg.Go(func() { step(8) })
	wg.Wait()
	println(*sum)
}
