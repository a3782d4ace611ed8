// high: a goroutine for each element of a list counts in one variable.
package main

import "sync"

type total struct{ n int }

func (t *total) add(n int) { t.n += n }

func main() {
	sum := &total{}
	sizes := []int{1, 2, 3}
	var wg sync.WaitGroup
	for _, size := range sizes {
		wg.Add(1)
		go func() {
			defer wg.Done()
			sum.add(size)
		}()
	}
	wg.Wait()
	println(sum.n)
}
