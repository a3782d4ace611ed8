//go:build !race

package unpanicrt

func raceOff() {}

func raceOn() {}
