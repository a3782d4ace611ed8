// The setters get copies of the captured variables, after the goroutine that writes these is done.
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
		var addr *host
		done := make(chan struct{})
		go call(func() { kind, addr = 1, &host{"x"} }, done)
		<-done
		s.setKind(kind)
		s.setAddr(addr)
	}
}

func main() {
	s := &service{}
	s.serve()
}
