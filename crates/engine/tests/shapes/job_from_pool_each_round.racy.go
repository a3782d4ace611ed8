// Races: the job that was sent is filled again.
package main

import "sync"

type job struct{ n int }

func main() {
	pool := sync.Pool{New: func() any { return new(job) }}
	jobs := make(chan *job)
	var wg sync.WaitGroup
	for range 2 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for j := range jobs {
				j.n++ // want "RACE001"
			}
		}()
	}
	j := pool.Get().(*job)
	for i := range 10 {
		j.n = i
		jobs <- j
	}
	close(jobs)
	wg.Wait()
}
