// Closures capture the by-value parameters of their call, completed before the closures exist; another call completes other copies.
package main

type listener struct{ level int }

func (l *listener) fill() { l.level = 1 }

func watch(l listener) func() {
	l.fill()
	return func() { println(l.level) }
}

func main() {
	done := make(chan bool)
	l := listener{}
	first := watch(l)
	go func() {
		first()
		done <- true
	}()
	watch(l)()
	<-done
}
