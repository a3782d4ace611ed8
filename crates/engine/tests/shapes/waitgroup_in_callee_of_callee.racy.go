// Races: the inner goroutines are awaited by nobody.
package main

import "sync"

type set struct{ drives [][]int }

func build(n int) *set {
	s := &set{drives: make([][]int, n)}
	var outer sync.WaitGroup
	for i := range n {
		outer.Add(1)
		go func() {
			defer outer.Done()
			s.drives[i] = make([]int, n)
			var inner sync.WaitGroup
			for j := range n {
				inner.Add(1)
				go func() {
					defer inner.Done()
					s.drives[i][j] = j // want "RACE001"
				}()
			}
		}()
	}
	outer.Wait()
	return s
}

func main() {
	s := build(2)
	done := make(chan int)
	go func() {
		done <- s.drives[1][1] // want "RACE001"
	}()
	println(<-done)
}
