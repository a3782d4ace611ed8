package recovery

import (
	"context"
	"errors"
	"testing"
)

func TestConsumer(t *testing.T) {
	r, out := newTestRecoverer()
	refused := errors.New("refused")
	handle := Consumer(r, "orders", func(_ context.Context, message string) error {
		switch message {
		case "panic":
			panic("boom")
		case "fail":
			return Transient(refused)
		}
		return nil
	})
	ctx := context.Background()
	if err := handle(ctx, "fine"); err != nil {
		t.Errorf("fine: %v", err)
	}
	if err := handle(ctx, "fail"); !errors.Is(err, refused) || Classify(err) != ClassTransient {
		t.Errorf("fail: %v", err)
	}
	if err := handle(ctx, "panic"); Classify(err) != ClassFatal {
		t.Errorf("panic: %v", err)
	}
	if err := handle(ctx, "fine"); err != nil {
		t.Errorf("after the panic: %v", err)
	}
	out.only(t)
	out.wantCount(t, `go_panic_total{kind="consumer",route="orders"} 1`)
}
