package unpanicrt

import (
	"sync/atomic"
	"unsafe"
)

// Which pairs of sites are kept in order by the program, as far as delays tell (TSVD, section 3.4.4):
// when a goroutine is held at A, and another one that has been about all the time does nothing for as
// long and comes to B right after, then B waited for A. Holding a goroutine at A catches nobody at B.
// What is inferred wrongly costs a delay that might have caught somebody, nothing else.

// The last delays that caught nobody.
var delays [8]struct {
	site  uint32
	who   uintptr
	began int64
	ended int64
}

var nextDelay uint32

// When goroutines came to an access last.
var seen [256]struct {
	who  uintptr
	when int64
}

// Pairs that are in order.
var ordered [256]struct{ a, b, known uint32 }

//go:norace
func noteDelay(at uint32, began, ended int64) {
	var here byte
	who := uintptr(unsafe.Pointer(&here)) >> 11
	d := &delays[atomic.AddUint32(&nextDelay, 1)%uint32(len(delays))]
	d.site, d.who, d.began, d.ended = at>>atShift, who, began, ended
	note(who, ended)
}

//go:norace
func note(who uintptr, when int64) {
	s := &seen[who%uintptr(len(seen))]
	s.who, s.when = who, when
}

// inferOrder looks whether the goroutine that comes to an access has waited for one that was held.
//
//go:norace
func inferOrder(at uint32) {
	var here byte
	who := uintptr(unsafe.Pointer(&here)) >> 11
	now := nanotime()
	s := &seen[who%uintptr(len(seen))]
	before, known := s.when, s.who == who
	note(who, now)
	if !known {
		return
	}
	for i := range delays {
		d := &delays[i]
		length := d.ended - d.began
		if length <= 0 || d.who == who {
			continue
		}
		// It was here shortly before the delay at the earliest, came shortly after it, and did
		// nothing in between.
		if before < d.began+length/10 && before > d.began-2*length && now >= d.ended && now-d.ended < length {
			setOrdered(d.site, at>>atShift)
		}
	}
}

func slot(a, b uint32) *struct{ a, b, known uint32 } {
	return &ordered[(a*31+b)%uint32(len(ordered))]
}

//go:norace
func setOrdered(a, b uint32) {
	if a > b {
		a, b = b, a
	}
	s := slot(a, b)
	s.a, s.b = a, b
	atomic.StoreUint32(&s.known, 1)
	// A later near miss with a site that is not in order gives weight again.
	atomic.StoreUint64(&site(a).weight, 0)
	atomic.StoreUint64(&site(b).weight, 0)
}

//go:norace
func isOrdered(a, b uint32) bool {
	if a > b {
		a, b = b, a
	}
	s := slot(a, b)
	return atomic.LoadUint32(&s.known) == 1 && s.a == a && s.b == b
}
