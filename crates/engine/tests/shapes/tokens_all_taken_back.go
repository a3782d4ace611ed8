// Wait takes all tokens, and each goroutine gives its own back at the end.
package main

type tokens struct{ free chan struct{} }

func newTokens(n int) *tokens {
	t := &tokens{free: make(chan struct{}, n)}
	for range n {
		t.give()
	}
	return t
}

func (t *tokens) take() { <-t.free }
func (t *tokens) give() { t.free <- struct{}{} }
func (t *tokens) wait() {
	for range cap(t.free) {
		<-t.free
	}
}

func main() {
	names := []string{"a", "bb", "ccc"}
	t := newTokens(2)
	sizes := make([]int, len(names))
	for i, name := range names {
		t.take()
		go func() {
			defer t.give()
			sizes[i] = len(name)
		}()
	}
	t.wait()
	println(sizes[0] + sizes[1])
}
