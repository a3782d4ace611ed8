// Races: the flag is taken back, and a second goroutine runs beside the first.
package main

type watcher struct{ seen int }

func (w *watcher) run(events chan int) {
	for e := range events {
		w.seen += e // want "RACE001"
	}
}

func main() {
	w := &watcher{}
	events := make(chan int)
	started := false
	for i := range 10 {
		if !started {
			started = true
			go w.run(events)
		} else if i == 7 {
			started = false
		}
		events <- i
	}
}
