// How much of the memory that is given back leaves the process at once, as Linux counts it.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

func main() {
	before := resident()
	block := make([]byte, 64<<20)
	for i := 0; i < len(block); i += 4096 {
		block[i] = 1
	}
	filled := resident()
	runtime.KeepAlive(block)
	block = nil
	debug.FreeOSMemory()
	after := resident()
	fmt.Printf("given_back_percent=%.1f\n", 100*float64(filled-after)/float64(filled-before))
}

// resident gives the kilobytes of the process that are in memory.
func resident() int {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		fmt.Println("unavailable=no /proc/self/status")
		os.Exit(0)
	}
	for _, line := range strings.Split(string(text), "\n") {
		var kilobytes int
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kilobytes); n == 1 {
			return kilobytes
		}
	}
	fmt.Println("unavailable=no VmRSS in /proc/self/status")
	os.Exit(0)
	return 0
}
