// Each goroutine gets an object of its own, also where the slice holds them as interface values.
package main

import "sync"

type runner interface{ run() }

type job struct {
	failures int
	wg       *sync.WaitGroup
}

func (j *job) run() {
	defer j.wg.Done()
	j.failures++
}

func main() {
	var wg sync.WaitGroup
	var jobs []runner
	for range 3 {
		wg.Add(1)
		jobs = append(jobs, &job{wg: &wg})
	}
	for _, j := range jobs {
		go j.run()
	}
	wg.Wait()
}
