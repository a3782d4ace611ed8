// Races: nothing waits for the goroutine before the captured variables are copied.
package main

type host struct{ name string }

type service struct {
	kind int
	addr *host
}

func (s *service) setKind(kind int) {
	if kind != s.kind {
		s.kind = kind
	}
}

func (s *service) setAddr(addr *host) {
	if s.addr != addr {
		s.addr = addr
	}
}

func call(f func(), done chan<- struct{}) {
	f()
	close(done)
}

func (s *service) serve() {
	for range 3 {
		var kind int
		done := make(chan struct{})
		go call(func() { kind = 1 }, done) // want "RACE001"
		s.setKind(kind)                    // want "RACE001"
	}
}

func main() {
	s := &service{}
	s.serve()
}
