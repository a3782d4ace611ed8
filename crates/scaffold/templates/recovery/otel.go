package recovery

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// OpenTelemetry names traces by the span of the context and records panics on it, by the semantic
// conventions for exceptions.
type OpenTelemetry struct{}

// TraceID implements Tracer. Without a span, it is the trace of the traceparent header.
func (OpenTelemetry) TraceID(ctx context.Context) string {
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		return span.TraceID().String()
	}
	return headerTracer{}.TraceID(ctx)
}

// RecordPanic implements Tracer.
func (OpenTelemetry) RecordPanic(ctx context.Context, p *PanicError) {
	span := trace.SpanFromContext(ctx)
	span.AddEvent("exception", trace.WithAttributes(
		attribute.String("exception.type", fmt.Sprintf("%T", p.Value)),
		attribute.String("exception.message", fmt.Sprint(p.Value)),
		attribute.String("exception.stacktrace", string(p.Stack)),
	))
	span.SetStatus(codes.Error, "panic")
}
