// Panics and recover: it works in a deferred function of the goroutine that panics, and only there.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

func main() {
	switch os.Args[1] {
	case "same-goroutine":
		func() {
			defer func() { fmt.Printf("recovered=%v\n", recover()) }()
			var m map[string]int
			m["a"] = 1
		}()
		fmt.Println("survived=true")
	case "other-goroutine":
		defer func() { fmt.Printf("recovered=%v\n", recover()) }()
		go panic("in another goroutine")
		time.Sleep(10 * time.Second)
	case "nested-call":
		defer func() { fmt.Printf("recovered=%v\n", recover()) }()
		defer func() {
			// recover is called by a function that the deferred one calls: it does nothing.
			func() { fmt.Printf("in_nested_call=%v\n", recover()) }()
		}()
		panic("once")
	case "nil":
		defer func() {
			var nilPanic *runtime.PanicNilError
			err, _ := recover().(error)
			fmt.Printf("is_PanicNilError=%t\n", errors.As(err, &nilPanic))
		}()
		panic(nil)
	case "goexit":
		var done sync.WaitGroup
		done.Add(1)
		go func() {
			defer done.Done()
			defer runtime.Goexit()
			panic("swallowed")
		}()
		done.Wait()
		fmt.Println("survived=true")
	}
}
