// Races: the offset is written again by each call, also while the goroutines of earlier calls read it.
package main

func unpack(layers []int) {
	var results []chan error
	var offset int
	top := func(i int) chan int {
		if results == nil {
			results = make([]chan error, len(layers))
			for j := range results {
				results[j] = make(chan error, 1)
			}
			go func() {
				for _, c := range results {
					c <- nil
				}
			}()
		}
		offset = i // want "RACE001"
		out := make(chan int, 1)
		go func() {
			<-results[i]
			println(offset) // want "RACE001"
			out <- i
		}()
		return out
	}
	var outs []chan int
	for i := range layers {
		outs = append(outs, top(i))
	}
	for _, out := range outs {
		<-out
	}
}

func main() {
	unpack([]int{1, 2, 3})
}
