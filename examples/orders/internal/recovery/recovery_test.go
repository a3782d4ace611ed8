package recovery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	testTrace       = "4bf92f3577b34da6a3ce929d0e0e4736"
	testTraceparent = "00-" + testTrace + "-00f067aa0ba902b7-01"
)

// reports collects what a Recoverer says.
type reports struct {
	mu      sync.Mutex
	log     bytes.Buffer
	counter Counter
}

func (r *reports) Write(data []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(data)
}

// records returns the log, one map a record.
func (r *reports) records(t *testing.T) []map[string]any {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var records []map[string]any
	for _, line := range strings.Split(strings.TrimSpace(r.log.String()), "\n") {
		if line == "" {
			continue
		}
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		records = append(records, record)
	}
	return records
}

// only returns the single record that is expected. A client may have its answer before the server has
// written the record.
func (r *reports) only(t *testing.T) map[string]any {
	t.Helper()
	for start := time.Now(); len(r.records(t)) == 0 && time.Since(start) < 5*time.Second; {
		time.Sleep(time.Millisecond)
	}
	records := r.records(t)
	if len(records) != 1 {
		t.Fatalf("got %d log records, want 1: %v", len(records), records)
	}
	return records[0]
}

func (r *reports) wantCount(t *testing.T, line string) {
	t.Helper()
	if text := r.counter.text(); !strings.Contains(text, line+"\n") {
		t.Errorf("metrics lack %q:\n%s", line, text)
	}
}

func newTestLogger(out *reports) *slog.Logger {
	return slog.New(slog.NewJSONHandler(out, nil))
}

func newTestRecoverer() (*Recoverer, *reports) {
	out := &reports{}
	return New(Config{Logger: newTestLogger(out), Metrics: &out.counter}), out
}

func explode(context.Context) error {
	panic("boom")
}

func TestRunReportsPanic(t *testing.T) {
	r, out := newTestRecoverer()
	ctx := WithTraceID(context.Background(), testTrace)
	err := r.Run(ctx, BoundaryGoroutine, "sweep", explode)

	p, ok := errors.AsType[*PanicError](err)
	if !ok {
		t.Fatalf("got %v, want a *PanicError", err)
	}
	if p.Value != "boom" || p.Route != "sweep" || p.Boundary != BoundaryGoroutine {
		t.Errorf("got %+v", p)
	}
	record := out.only(t)
	for key, want := range map[string]any{
		"level":    "ERROR",
		"msg":      "panic_recovered",
		"kind":     "goroutine",
		"route":    "sweep",
		"trace_id": testTrace,
		"panic":    "boom",
	} {
		if record[key] != want {
			t.Errorf("%s = %v, want %v", key, record[key], want)
		}
	}
	if stack, _ := record["stack"].(string); !strings.Contains(stack, "explode") {
		t.Errorf("the stack does not show where the panic was:\n%s", stack)
	}
	if id, _ := record["goroutine_id"].(float64); id < 1 {
		t.Errorf("goroutine_id = %v", record["goroutine_id"])
	}
	out.wantCount(t, `go_panic_total{kind="goroutine",route="sweep"} 1`)
}

func TestRunPassesErrorsThrough(t *testing.T) {
	r, out := newTestRecoverer()
	want := errors.New("no")
	if err := r.Run(context.Background(), BoundaryConsumer, "q", func(context.Context) error { return want }); err != want {
		t.Errorf("got %v, want %v", err, want)
	}
	if err := r.Run(context.Background(), BoundaryConsumer, "q", func(context.Context) error { return nil }); err != nil {
		t.Errorf("got %v, want nil", err)
	}
	if records := out.records(t); len(records) != 0 {
		t.Errorf("logged %v", records)
	}
}

func TestRunReportsRuntimeErrors(t *testing.T) {
	r, out := newTestRecoverer()
	var counts map[string]int
	err := r.Run(context.Background(), BoundaryConsumer, "q", func(context.Context) error {
		counts["a"]++
		return nil
	})
	if Classify(err) != ClassFatal {
		t.Errorf("got %v, want a fatal error", err)
	}
	if text, _ := out.only(t)["panic"].(string); !strings.Contains(text, "nil map") {
		t.Errorf("panic = %q", text)
	}
}

func TestRunLabelsProfiles(t *testing.T) {
	r, _ := newTestRecoverer()
	ctx := WithTraceID(context.Background(), testTrace)
	_ = r.Run(ctx, BoundaryConsumer, "q", func(ctx context.Context) error {
		for key, want := range map[string]string{"route": "q", "trace_id": testTrace} {
			if got, _ := pprof.Label(ctx, key); got != want {
				t.Errorf("label %s = %q, want %q", key, got, want)
			}
		}
		return nil
	})
}

func TestZeroConfig(t *testing.T) {
	var log bytes.Buffer
	previous := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	defer slog.SetDefault(previous)
	if err := New(Config{}).Run(context.Background(), BoundaryConsumer, "", explode); err == nil {
		t.Error("the panic did not come back as an error")
	}
	if !strings.Contains(log.String(), `"msg":"panic_recovered"`) {
		t.Errorf("the default logger got %q", log.String())
	}
}

func TestGoroutineID(t *testing.T) {
	for stack, want := range map[string]int64{
		"goroutine 18 [running]:\nmain.main()":              18,
		"goroutine 7 [running] {route: \"GET /a b\"}:\nf()": 7,
		"":            0,
		"goroutine ":  0,
		"goroutine x": 0,
	} {
		if got := goroutineID([]byte(stack)); got != want {
			t.Errorf("%q: got %d, want %d", stack, got, want)
		}
	}
}
