// medium: what may keep the two apart stands in any of the calls between them.
package main

import "time"

type state struct{ n int }

func (s *state) set()       { s.n = 1 }
func (s *state) update()    { s.set() }
func (s *state) get() int   { return s.n }
func (s *state) value() int { return s.get() }

func main() {
	s := &state{}
	go func() { s.update() }()
	println(s.value())
	time.Sleep(time.Millisecond)
}
