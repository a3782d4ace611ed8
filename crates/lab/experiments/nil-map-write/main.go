// A nil map can be read, ranged over and deleted from. A write to it is an ordinary panic.
package main

import (
	"fmt"
	"os"
)

func main() {
	var m map[string]int
	switch os.Args[1] {
	case "harmless":
		value, ok := m["a"]
		fmt.Printf("read=%d %t\n", value, ok)
		fmt.Printf("len=%d\n", len(m))
		rounds := 0
		for range m {
			rounds++
		}
		fmt.Printf("range_rounds=%d\n", rounds)
		delete(m, "a")
		clear(m)
		fmt.Println("delete_and_clear=nothing happens")
	case "write":
		m["a"] = 1
	case "recovered":
		defer func() { fmt.Printf("recovered=%v\n", recover()) }()
		m["a"] = 1
	case "fixed":
		m = make(map[string]int)
		m["a"] = 1
		fmt.Printf("value=%d\n", m["a"])
	}
}
