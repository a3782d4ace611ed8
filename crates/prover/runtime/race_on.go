//go:build race

package unpanicrt

import "runtime"

// The race detector must not take the traps' own atomics for an order of the program.

func raceOff() { runtime.RaceDisable() }

func raceOn() { runtime.RaceEnable() }
