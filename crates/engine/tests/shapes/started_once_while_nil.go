// All writes stand under `if x == nil` and make it non-nil; every goroutine is started after that, so there is no write after a go statement.
package main

func unpack(layers []int) {
	var results []chan error
	var offset int
	top := func(i int) chan int {
		if results == nil {
			offset = i
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
		out := make(chan int, 1)
		go func() {
			<-results[i-offset]
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
