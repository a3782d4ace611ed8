// Allocates for a while, with about 16 MB alive, and says how often the collector ran. GODEBUG=gctrace=1
// prints a line for each time.
package main

import (
	"fmt"
	"runtime"
)

func main() {
	alive := make([][]byte, 256)
	for i := 0; i < 8192; i++ {
		alive[i%len(alive)] = make([]byte, 64<<10)
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	fmt.Printf("collections=%d\n", stats.NumGC)
	runtime.KeepAlive(alive)
}
