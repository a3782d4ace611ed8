// medium: with one worker the function runs on the caller's goroutine.
package main

import "sync"

func parallel(workers int, f func()) (func(), func()) {
	if workers <= 1 {
		return f, func() {}
	}
	var wg sync.WaitGroup
	work := make(chan struct{})
	for range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range work {
				f()
			}
		}()
	}
	return func() { work <- struct{}{} }, func() { close(work); wg.Wait() }
}

func main() {
	n := 0
	run, wait := parallel(0, func() { n++ })
	for range 8 {
		run()
	}
	wait()
}
