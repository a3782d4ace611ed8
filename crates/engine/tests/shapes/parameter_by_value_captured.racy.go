// Races: the closures share what the parameter points to, and the second call writes it.
package main

type listener struct{ level int }

func (l *listener) fill() { l.level = 1 } // want "RACE001"

func watch(l *listener) func() {
	l.fill()
	return func() { println(l.level) } // want "RACE001"
}

func main() {
	done := make(chan bool)
	l := listener{}
	first := watch(&l)
	go func() {
		first()
		done <- true
	}()
	watch(&l)()
	<-done
}
