// The second Wait stands under a condition that is false only where the first has been done.
package main

import "sync"

type head struct{ series map[int]int }

func (h *head) load(records []int) {
	in := make(chan int)
	var wg sync.WaitGroup
	var refs map[int]int
	wg.Add(1)
	go func() {
		defer wg.Done()
		for r := range in {
			_ = h.series[r]
		}
	}()
	for _, r := range records {
		if r < 0 {
			if refs == nil {
				close(in)
				wg.Wait()
				refs = map[int]int{}
			}
			continue
		}
		in <- r
	}
	if refs == nil {
		close(in)
		wg.Wait()
	}
}

func main() {
	h := &head{series: map[int]int{}}
	h.load([]int{1, 2, -1})
	h.series = map[int]int{}
	h.load([]int{1})
	h.series = map[int]int{}
}
