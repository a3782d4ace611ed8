// Ordered by draining: the worker closes the channel as its last act, and the next worker starts after the range.
package main

type tokenizer struct{ cache map[string]int }

func (t *tokenizer) fill(out chan<- int) {
	clear(t.cache)
	t.cache["a"] = 1
	out <- 1
	close(out)
}

func main() {
	t := &tokenizer{cache: map[string]int{}}
	for range 3 {
		out := make(chan int)
		go t.fill(out)
		for range out {
		}
	}
}
