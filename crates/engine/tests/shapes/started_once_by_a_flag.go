// A loop that starts its goroutine in one round only, as a flag says: what that goroutine writes is its own.
package main

type watcher struct{ seen int }

func (w *watcher) run(events chan int) {
	for e := range events {
		w.seen += e
	}
}

func main() {
	w := &watcher{}
	events := make(chan int)
	started := false
	for i := range 10 {
		if i < 3 {
			continue
		}
		if !started {
			println("first")
			if i > 4 {
				started = true
				go w.run(events)
			}
		}
		events <- i
	}
}
