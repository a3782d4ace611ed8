// Package recovery keeps a panic from ending the process. It puts a recover at each boundary where
// work enters: an HTTP request, a gRPC call, a message, a background goroutine. What is caught there
// is logged as "panic_recovered" with its stack, counted as go_panic_total, and answered.
//
// It also sorts errors by what a caller should do about them: see [Transient], [Business], [Retrier].
//
// A fatal error of the runtime, such as a concurrent map write, cannot be recovered by anything.
package recovery

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
)

// Boundary says where a panic was caught. It is the label "kind" of go_panic_total.
type Boundary string

// The boundaries that this package guards.
const (
	BoundaryHTTP      Boundary = "http"
	BoundaryGRPC      Boundary = "grpc"
	BoundaryConsumer  Boundary = "consumer"
	BoundaryGoroutine Boundary = "goroutine"
)

// Metrics counts panics. Many goroutines may call it at once.
type Metrics interface {
	// CountPanic adds one to go_panic_total{kind,route}.
	CountPanic(boundary Boundary, route string)
}

// Tracer connects panics with traces. Many goroutines may call it at once.
type Tracer interface {
	// TraceID returns the trace that ctx belongs to, or "".
	TraceID(ctx context.Context) string
	// RecordPanic notes the panic in the trace that ctx belongs to.
	RecordPanic(ctx context.Context, p *PanicError)
}

// Config says where a Recoverer reports to. The zero value is useful.
type Config struct {
	// Logger gets one record a panic; slog.Default() if nil.
	Logger *slog.Logger
	// Metrics counts panics; nobody does if nil. See Counter.
	Metrics Metrics
	// Tracer names traces; if nil, they are taken from traceparent headers.
	Tracer Tracer
}

// Recoverer catches panics at boundaries and reports them. It is safe for concurrent use.
type Recoverer struct {
	logger  *slog.Logger
	metrics Metrics
	tracer  Tracer
}

// New makes a Recoverer.
func New(config Config) *Recoverer {
	r := &Recoverer{logger: config.Logger, metrics: config.Metrics, tracer: config.Tracer}
	if r.logger == nil {
		r.logger = slog.Default()
	}
	if r.tracer == nil {
		r.tracer = headerTracer{}
	}
	return r
}

// PanicError is a panic that was caught.
type PanicError struct {
	// Boundary and Route say where it was caught.
	Boundary Boundary
	Route    string
	// Value is what was given to panic.
	Value any
	// Stack is the goroutine's stack at the panic.
	Stack []byte
}

// Error describes the panic. It is not meant for clients.
func (p *PanicError) Error() string {
	return fmt.Sprintf("panic in %s %s: %v", p.Boundary, p.Route, p.Value)
}

// Unwrap returns the panic's value if that is an error.
func (p *PanicError) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// Run calls f. A panic of f is reported and returned as a *PanicError. Route names the work in logs,
// metrics and profiles: take it from a small fixed set.
func (r *Recoverer) Run(ctx context.Context, boundary Boundary, route string, f func(context.Context) error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = r.report(ctx, boundary, route, value)
		}
	}()
	pprof.Do(ctx, r.labels(ctx, route), func(ctx context.Context) {
		err = f(ctx)
	})
	return err
}

// labels names the route and the trace of a goroutine in its profiles and, from Go 1.27 on, in the
// dump of a dying process.
func (r *Recoverer) labels(ctx context.Context, route string) pprof.LabelSet {
	var labels []string
	if route != "" {
		labels = append(labels, "route", route)
	}
	if id := r.tracer.TraceID(ctx); id != "" {
		labels = append(labels, "trace_id", id)
	}
	return pprof.Labels(labels...)
}

// report tells log, metrics and trace of a panic. It must be called by the deferred function that
// recovered value: the stack is then still the one that panicked.
func (r *Recoverer) report(ctx context.Context, boundary Boundary, route string, value any, attrs ...slog.Attr) *PanicError {
	p := &PanicError{Boundary: boundary, Route: route, Value: value, Stack: debug.Stack()}
	attrs = append(attrs,
		slog.String("kind", string(boundary)),
		slog.String("route", route),
		slog.String("trace_id", r.tracer.TraceID(ctx)),
		slog.Int64("goroutine_id", goroutineID(p.Stack)),
		slog.String("panic", fmt.Sprint(value)),
		slog.String("stack", string(p.Stack)),
	)
	r.logger.LogAttrs(ctx, slog.LevelError, "panic_recovered", attrs...)
	if r.metrics != nil {
		r.metrics.CountPanic(boundary, route)
	}
	r.tracer.RecordPanic(ctx, p)
	return p
}

// goroutineID reads the number out of the first line of a stack, "goroutine 18 [running]:". It is 0
// if there is none.
func goroutineID(stack []byte) int64 {
	fields := bytes.Fields(bytes.TrimPrefix(stack, []byte("goroutine ")))
	if len(fields) == 0 {
		return 0
	}
	id, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0
	}
	return id
}
