// Races: nothing awaits the goroutines before the loop looks at the counter again.
package main

import "sync"

func online(probes []func() bool) int {
	up := 0
	var wg sync.WaitGroup
	var mu sync.Mutex
	for up == 0 { // want "RACE001"
		wg.Add(len(probes))
		for _, probe := range probes {
			go func(probe func() bool) {
				defer wg.Done()
				if probe() {
					mu.Lock()
					up++ // want "RACE001"
					mu.Unlock()
				}
			}(probe)
		}
	}
	return 0
}

func main() {
	yes := func() bool { return true }
	println(online([]func() bool{yes, yes, yes}))
}
