// Races: only the first value is taken, while the worker goes on to write the cache.
package main

type tokenizer struct{ cache map[string]int }

func (t *tokenizer) fill(out chan<- int) {
	out <- 1
	t.cache["a"] = 1 // want "MAP001"
}

func main() {
	t := &tokenizer{cache: map[string]int{}}
	for range 3 {
		out := make(chan int)
		go t.fill(out)
		<-out
	}
}
