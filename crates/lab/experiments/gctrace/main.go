// Allocates for a while, with about 16 MB alive, and says how often the collector ran. GODEBUG=gctrace=1
// prints a line for each time.
package main

import (
	"fmt"
	"runtime"
	"time"
)

func main() {
	alive := make([][]byte, 256)
	for i := 0; i < 8192; i++ {
		alive[i%len(alive)] = make([]byte, 64<<10)
	}
	// A collection that is going on is counted before its line is printed: wait until there is none.
	var before, stats runtime.MemStats
	for {
		runtime.ReadMemStats(&before)
		time.Sleep(100 * time.Millisecond)
		runtime.ReadMemStats(&stats)
		if stats.NumGC == before.NumGC {
			break
		}
	}
	fmt.Printf("collections=%d\n", stats.NumGC)
	runtime.KeepAlive(alive)
}
