// Races: every element is the same job behind an interface, run by as many goroutines.
package main

import "sync"

type runner interface{ run() }

type job struct {
	failures int
	wg       *sync.WaitGroup
}

func (j *job) run() {
	defer j.wg.Done()
	j.failures++ // want "RACE001"
}

func main() {
	var wg sync.WaitGroup
	var jobs []runner
	one := &job{wg: &wg}
	for range 3 {
		wg.Add(1)
		jobs = append(jobs, one)
	}
	for _, j := range jobs {
		go j.run()
	}
	wg.Wait()
}
