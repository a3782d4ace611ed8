package unpanicrt

import "unsafe"

// head is the start of the table: what `unpanic prove` decided for this run.
type head struct {
	magic    uint64
	sites    uint64
	delay    uint64 // nanoseconds that a goroutine is held the first time
	grow     uint64 // how much longer it is held for each time before
	longest  uint64
	free     uint64 // nanoseconds of delay that are allowed whatever the run time
	permille uint64 // of the run time without delays, where that is more
	near     uint64 // two accesses closer than this are a near miss; 0: do not look
}

// siteState is one row. Processes of one run share them through the file, and they are what is left
// when a process dies.
type siteState struct {
	reached uint64
	held    uint64 // how often a goroutine was held here
	nanos   uint64 // and for how long in all
	met     uint64
	weight  uint64 // probability of a delay, in thousandths
	beside  uint64 // 1: no finding names it, and others are what the run is for
	_       [2]uint64
}

const magic = 0x756e70616e696331 // "unpanic1"

var table []byte

// setTable takes a table's bytes, aligned to 8, and says whether it is one.
func setTable(data []byte) bool {
	if uintptr(len(data)) < unsafe.Sizeof(head{}) {
		return false
	}
	h := (*head)(unsafe.Pointer(&data[0]))
	need := uint64(unsafe.Sizeof(head{})) + h.sites*uint64(unsafe.Sizeof(siteState{}))
	if h.magic != magic || h.sites > 1<<24 || need > uint64(len(data)) {
		return false
	}
	table = data
	return true
}

func header() *head { return (*head)(unsafe.Pointer(&table[0])) }

func sites() int { return int(header().sites) }

func site(n uint32) *siteState {
	offset := unsafe.Sizeof(head{}) + uintptr(n)*unsafe.Sizeof(siteState{})
	return (*siteState)(unsafe.Pointer(&table[offset]))
}
