package recovery

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// testSpan keeps what is recorded on it.
type testSpan struct {
	trace.Span
	context trace.SpanContext
	events  map[string][]attribute.KeyValue
	status  codes.Code
}

func (s *testSpan) SpanContext() trace.SpanContext { return s.context }

func (s *testSpan) SetStatus(code codes.Code, _ string) { s.status = code }

func (s *testSpan) AddEvent(name string, options ...trace.EventOption) {
	config := trace.NewEventConfig(options...)
	s.events[name] = config.Attributes()
}

func TestOpenTelemetry(t *testing.T) {
	traceID, err := trace.TraceIDFromHex(testTrace)
	if err != nil {
		t.Fatal(err)
	}
	span := &testSpan{
		context: trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID, SpanID: trace.SpanID{1}}),
		events:  make(map[string][]attribute.KeyValue),
	}
	_, out := newTestRecoverer()
	r := New(Config{Logger: newTestLogger(out), Tracer: OpenTelemetry{}})
	_ = r.Run(trace.ContextWithSpan(context.Background(), span), BoundaryConsumer, "orders", explode)

	if got := out.only(t)["trace_id"]; got != testTrace {
		t.Errorf("trace_id = %v", got)
	}
	if span.status != codes.Error {
		t.Errorf("status = %v", span.status)
	}
	recorded := attribute.NewSet(span.events["exception"]...)
	if message, _ := recorded.Value("exception.message"); message.AsString() != "boom" {
		t.Errorf("recorded %v", span.events)
	}
	if _, ok := recorded.Value("exception.stacktrace"); !ok {
		t.Errorf("recorded %v", span.events)
	}
}

func TestOpenTelemetryWithoutSpan(t *testing.T) {
	ctx := WithTraceID(context.Background(), testTrace)
	if got := (OpenTelemetry{}).TraceID(ctx); got != testTrace {
		t.Errorf("got %q", got)
	}
	OpenTelemetry{}.RecordPanic(ctx, &PanicError{Value: "boom"})
}
