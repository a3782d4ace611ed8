// Fatal errors and recover: the runtime ends the process without asking the deferred functions.
package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"time"
)

func guarded(what func()) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Printf("recovered=%v\n", r)
		}
	}()
	what()
}

func main() {
	switch os.Args[1] {
	case "map":
		m := map[int]int{}
		end := time.Now().Add(2 * time.Second)
		var done sync.WaitGroup
		for g := 0; g < 2; g++ {
			done.Add(1)
			go guarded(func() {
				defer done.Done()
				for time.Now().Before(end) {
					for i := 0; i < 1000; i++ {
						m[i%10] = i
					}
				}
			})
		}
		done.Wait()
	case "unlock":
		guarded(func() {
			var mu sync.Mutex
			mu.Unlock()
		})
	case "deadlock":
		guarded(func() { select {} })
	case "overflow":
		debug.SetMaxStack(1 << 20)
		guarded(func() { overflow(0) })
	}
	fmt.Println("survived=true")
}

func overflow(n int) int {
	return overflow(n+1) + n
}
