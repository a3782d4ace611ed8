// Package metrics counts and times what the service does.
package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Recorder has the metrics of the service.
type Recorder struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	placed    prometheus.Counter
	cached    map[string]prometheus.Counter
}

// New registers the metrics.
func New(registry prometheus.Registerer) *Recorder {
	r := &Recorder{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orders_requests_total",
			Help: "Requests by route and status.",
		}, []string{"route", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "orders_request_seconds",
			Help:    "Time per request by route.",
			Buckets: prometheus.DefBuckets,
		}, []string{"route"}),
		placed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "orders_placed_total",
			Help: "Orders taken.",
		}),
		cached: make(map[string]prometheus.Counter),
	}
	registry.MustRegister(r.requests, r.durations, r.placed)
	return r
}

// Placed counts an order.
func (r *Recorder) Placed() {
	r.placed.Inc()
}

// Request counts a request.
func (r *Recorder) Request(route string, status int) {
	r.counter(route, strconv.Itoa(status)).Inc()
}

// Duration times a request.
func (r *Recorder) Duration(route string, took time.Duration) {
	r.durations.WithLabelValues(route).Observe(took.Seconds())
}

// counter saves the lookup by label values for the few pairs that occur.
func (r *Recorder) counter(route, status string) prometheus.Counter {
	name := route + " " + status
	counter, ok := r.cached[name]
	if !ok {
		counter = r.requests.WithLabelValues(route, status)
		r.cached[name] = counter // want "MAP006"
	}
	return counter
}
