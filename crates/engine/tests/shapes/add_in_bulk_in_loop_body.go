// Joined within the iteration: one Add for all, a Done in each, and Wait before the next turn of the loop.
package main

import "sync"

func online(probes []func() bool) int {
	up := 0
	var mu sync.Mutex
	for turn := 0; up < len(probes)/2; turn++ {
		var wg sync.WaitGroup
		wg.Add(len(probes))
		up = 0
		for _, probe := range probes {
			go func(probe func() bool) {
				defer wg.Done()
				if probe() {
					mu.Lock()
					up++
					mu.Unlock()
				}
			}(probe)
		}
		wg.Wait()
	}
	return up
}

func main() {
	yes := func() bool { return true }
	println(online([]func() bool{yes, yes, yes}))
}
