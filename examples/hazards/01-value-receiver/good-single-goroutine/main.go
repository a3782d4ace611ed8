// Command tally counts page views per path. Readers run side by side; one loop counts.
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
	t.views[path]++
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

	paths := make(chan string)
	var readers sync.WaitGroup
	for i := 0; i < 4; i++ {
		readers.Add(1)
		go func() {
			defer readers.Done()
			for j := 0; j < 500; j++ {
				paths <- []string{"/", "/cart", "/checkout", "/help"}[(i+j)%4]
			}
		}()
	}
	go func() {
		readers.Wait()
		close(paths)
	}()
	for path := range paths {
		tally.Add(path)
	}

	fmt.Printf("%s: %d views\n", tally.site, tally.Total())
}
