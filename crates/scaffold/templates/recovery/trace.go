package recovery

import (
	"context"
	"encoding/hex"
	"strings"
)

type traceIDKey struct{}

// WithTraceID returns a context that belongs to the trace id.
func WithTraceID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, traceIDKey{}, id)
}

// withTraceparent takes the trace from a traceparent header
// (https://www.w3.org/TR/trace-context/#traceparent-header). An invalid header is ignored.
func withTraceparent(ctx context.Context, header string) context.Context {
	parts := strings.Split(header, "-")
	if len(parts) < 4 || len(parts[0]) != 2 || len(parts[1]) != 32 {
		return ctx
	}
	id, err := hex.DecodeString(parts[1])
	if err != nil || parts[1] != strings.ToLower(parts[1]) || [16]byte(id) == [16]byte{} {
		return ctx
	}
	return WithTraceID(ctx, parts[1])
}

// headerTracer knows the traces that came with a request, and has nowhere to record a panic.
type headerTracer struct{}

func (headerTracer) TraceID(ctx context.Context) string {
	id, _ := ctx.Value(traceIDKey{}).(string)
	return id
}

func (headerTracer) RecordPanic(context.Context, *PanicError) {}
