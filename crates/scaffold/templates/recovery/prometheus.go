package recovery

import "github.com/prometheus/client_golang/prometheus"

// Prometheus counts panics in a registry of github.com/prometheus/client_golang.
type Prometheus struct {
	panics *prometheus.CounterVec
}

// NewPrometheus registers go_panic_total.
func NewPrometheus(registerer prometheus.Registerer) (*Prometheus, error) {
	panics := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "go_panic_total",
		Help: "Panics that were recovered, by boundary and route.",
	}, []string{"kind", "route"})
	if err := registerer.Register(panics); err != nil {
		return nil, err
	}
	return &Prometheus{panics: panics}, nil
}

// CountPanic implements Metrics.
func (p *Prometheus) CountPanic(boundary Boundary, route string) {
	p.panics.WithLabelValues(string(boundary), route).Inc()
}
