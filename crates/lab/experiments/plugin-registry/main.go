// Hazard 7: a package-level registry, filled by Register functions that run at the same time.
package main

import (
	"fmt"
	"os"
	"sync"
)

var (
	registry = map[string]func() string{}
	mu       sync.Mutex
)

// Register is what every plugin calls.
func Register(name string, make func() string) {
	registry[name] = make
}

// RegisterLocked is the fix.
func RegisterLocked(name string, make func() string) {
	mu.Lock()
	defer mu.Unlock()
	registry[name] = make
}

func main() {
	switch os.Args[1] {
	case "sequential":
		for p := 0; p < 8; p++ {
			load(Register, p, 200)
		}
	case "concurrent":
		concurrently(Register, 200)
	case "one-each":
		concurrently(Register, 1)
	case "fixed":
		concurrently(RegisterLocked, 200)
		fmt.Printf("registered=%d\n", len(registry))
	}
}

func load(register func(string, func() string), plugin, formats int) {
	for f := 0; f < formats; f++ {
		name := fmt.Sprintf("plugin-%d/format-%d", plugin, f)
		register(name, func() string { return name })
	}
}

// concurrently loads eight plugins at the same time.
func concurrently(register func(string, func() string), formats int) {
	start := make(chan struct{})
	var loading sync.WaitGroup
	for p := 0; p < 8; p++ {
		p := p
		loading.Add(1)
		go func() {
			defer loading.Done()
			<-start
			load(register, p, formats)
		}()
	}
	close(start)
	loading.Wait()
}
