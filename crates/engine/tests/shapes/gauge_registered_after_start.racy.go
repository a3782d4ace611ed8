// Races: the registry serves already when the field is set.
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
	m.workers = append(m.workers, "w") // want "RACE001"
}

func main() {
	r := &registry{ticks: make(chan chan int)}
	m := &manager{}
	r.register(func() int { return len(m.workers) }) // want "RACE001"
	go r.serve()
	out := make(chan int)
	r.ticks <- out
	m.start()
	println(<-out)
}
