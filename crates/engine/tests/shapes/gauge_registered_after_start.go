// The gauge callback, which runs in another goroutine, is registered after the field is set.
package main

type registry struct {
	gauges []func() int
	ticks  chan chan int
}

func (r *registry) register(f func() int) {
	r.gauges = append(r.gauges, f)
}

func (r *registry) serve() {
	for _, gauge := range r.gauges {
		for out := range r.ticks {
			out <- gauge()
		}
	}
}

type manager struct{ workers []string }

func (m *manager) start() {
	m.workers = append(m.workers, "w")
}

func main() {
	r := &registry{ticks: make(chan chan int)}
	m := &manager{}
	r.register(func() int { return len(m.workers) })
	m.start()
	go r.serve()
	out := make(chan int)
	r.ticks <- out
	println(<-out)
}
