package main

import (
	"testing"
	"time"
)

func TestFails(t *testing.T)  { t.Errorf("got %d,\nwant %d", 1, 2) }
func TestPanics(t *testing.T) { t.Run("inner", func(t *testing.T) { panic("in a test") }) }
func TestHangs(t *testing.T)  { background(); time.Sleep(time.Hour) }
func TestRaces(t *testing.T)  { race() }
func TestPasses(t *testing.T) {}
