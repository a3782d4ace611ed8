// medium: only the next call's write meets the goroutine of this one.
package main

import "time"

type worker struct{ running bool }

func (w *worker) start() {
	w.running = true
	go func() { time.Sleep(time.Millisecond); w.running = false }()
}

func main() {
	w := &worker{}
	for range 2 {
		w.start()
	}
	time.Sleep(5 * time.Millisecond)
}
