// medium: a goroutine for each element of a list works on that element.
package main

import "sync"

type part struct{ n int }

func (p *part) restore() { p.n++ }

var index part

type store struct{ parts []*part }

func (s *store) restore() {
	var wg sync.WaitGroup
	for _, p := range s.parts {
		wg.Add(1)
		go func() {
			defer wg.Done()
			p.restore()
		}()
	}
	wg.Wait()
}

func main() {
	s := &store{}
	s.parts = append(s.parts, &index)
	s.restore()
}
