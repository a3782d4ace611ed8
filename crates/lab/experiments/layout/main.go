// Size, alignment and padding of structs on 64-bit machines.
package main

import (
	"fmt"
	"sync"
	"unsafe"
)

type packed struct {
	X int64
	Y int32
	Z bool
}

type careless struct {
	A bool
	B int64
	C bool
	D int32
	E bool
}

type careful struct {
	B int64
	D int32
	A bool
	C bool
	E bool
}

type zeroAtEnd struct {
	N int64
	Z struct{}
}

func main() {
	var p packed
	fmt.Printf("packed=%d: %d %d %d\n", unsafe.Sizeof(p), unsafe.Offsetof(p.X), unsafe.Offsetof(p.Y), unsafe.Offsetof(p.Z))
	fmt.Printf("careless=%d\n", unsafe.Sizeof(careless{}))
	fmt.Printf("careful=%d\n", unsafe.Sizeof(careful{}))
	fmt.Printf("zero_at_end=%d\n", unsafe.Sizeof(zeroAtEnd{}))
	fmt.Printf("headers=%d %d %d %d\n", unsafe.Sizeof(map[int]int{}), unsafe.Sizeof([]int{}), unsafe.Sizeof(""), unsafe.Sizeof(any(nil)))
	fmt.Printf("locks=%d %d\n", unsafe.Sizeof(sync.Mutex{}), unsafe.Sizeof(sync.RWMutex{}))
}
