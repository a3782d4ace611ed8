package recovery

import (
	"context"
	"testing"
	"time"
)

// channelMetrics tells when a panic has been counted.
type channelMetrics chan string

func (c channelMetrics) CountPanic(boundary Boundary, route string) {
	c <- string(boundary) + " " + route
}

func TestGoSurvivesPanic(t *testing.T) {
	counted := make(channelMetrics, 1)
	_, out := newTestRecoverer()
	r := New(Config{Logger: newTestLogger(out), Metrics: counted})
	r.Go(context.Background(), "sweep", func(context.Context) { panic("boom") })
	select {
	case got := <-counted:
		if got != "goroutine sweep" {
			t.Errorf("counted %q", got)
		}
	case <-time.After(time.Minute):
		t.Fatal("the panic was not counted")
	}
	if got := out.only(t)["panic"]; got != "boom" {
		t.Errorf("panic = %v", got)
	}
}

func TestGoRuns(t *testing.T) {
	r, _ := newTestRecoverer()
	ctx := WithTraceID(context.Background(), testTrace)
	done := make(chan string, 1)
	r.Go(ctx, "sweep", func(ctx context.Context) { done <- headerTracer{}.TraceID(ctx) })
	select {
	case got := <-done:
		if got != testTrace {
			t.Errorf("the goroutine belongs to trace %q", got)
		}
	case <-time.After(time.Minute):
		t.Fatal("the function did not run")
	}
}
