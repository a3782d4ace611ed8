// Command tally counts page views per path from several shards of an access log.
package main

import (
	"fmt"
	"sync"
)

// Tally counts the views of one site.
type Tally struct {
	site  string
	views map[string]int
}

// NewTally makes an empty tally.
func NewTally(site string) Tally {
	return Tally{site: site, views: make(map[string]int)}
}

// Add counts one view of path.
func (t Tally) Add(path string) {
	t.views[path]++ // want "MAP002"
}

// Total is the number of views of all paths.
func (t Tally) Total() int {
	sum := 0
	for _, n := range t.views {
		sum += n
	}
	return sum
}

func main() {
	tally := NewTally("shop.example")

	var workers sync.WaitGroup
	for _, shard := range accessLog(4) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for _, path := range shard {
				tally.Add(path)
			}
		}()
	}
	workers.Wait()

	fmt.Printf("%s: %d views\n", tally.site, tally.Total())
}

// accessLog makes n shards of requested paths.
func accessLog(n int) [][]string {
	paths := []string{"/", "/cart", "/checkout", "/help"}
	shards := make([][]string, n)
	for i := range shards {
		for j := 0; j < 500; j++ {
			shards[i] = append(shards[i], paths[(i+j)%len(paths)])
		}
	}
	return shards
}
