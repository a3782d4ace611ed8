// Breaks its convention: the package map that has a lock is returned itself.
package p

import "sync"

var (
	mu       sync.RWMutex
	commands = map[string]int{}
)

// Register adds a command.
func Register(name string) {
	mu.Lock()
	defer mu.Unlock()
	commands[name] = 1
}

// Commands returns all of them.
func Commands() map[string]int {
	mu.RLock()
	defer mu.RUnlock()
	return commands // want "MAP012"
}
