//go:build !linux

package unpanicrt

import "time"

var zero = time.Now()

func nanotime() int64 { return int64(time.Since(zero)) + 1 }

func sleep(ns int64) { time.Sleep(time.Duration(ns)) }
