package unpanicrt

import "syscall"

// The clock and the sleep of the operating system: those of package time stand still in a bubble of
// testing/synctest, where a goroutine that sleeps lets the others' time run.

func nanotime() int64 {
	var tv syscall.Timeval
	syscall.Gettimeofday(&tv)
	return tv.Nano()
}

func sleep(ns int64) {
	ts := syscall.NsecToTimespec(ns)
	syscall.Nanosleep(&ts, nil)
}
