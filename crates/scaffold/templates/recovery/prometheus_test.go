package recovery

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestPrometheus(t *testing.T) {
	registry := prometheus.NewRegistry()
	metrics, err := NewPrometheus(registry)
	if err != nil {
		t.Fatal(err)
	}
	_, out := newTestRecoverer()
	r := New(Config{Logger: newTestLogger(out), Metrics: metrics})
	_ = r.Run(context.Background(), BoundaryConsumer, "orders", explode)
	_ = r.Run(context.Background(), BoundaryConsumer, "orders", explode)

	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if len(families) != 1 || families[0].GetName() != "go_panic_total" {
		t.Fatalf("got %v", families)
	}
	series := families[0].GetMetric()
	if len(series) != 1 || series[0].GetCounter().GetValue() != 2 {
		t.Errorf("got %v", series)
	}
	if _, err := NewPrometheus(registry); err == nil {
		t.Error("a second registration is not refused")
	}
}
