package recovery

import (
	"context"
	"errors"
	"testing"
	"time"
)

var errRefused = errors.New("refused")

// failing returns a function that fails so many times, and a counter of its calls.
func failing(times int, err error) (func(context.Context) error, *int) {
	calls := 0
	return func(context.Context) error {
		calls++
		if calls <= times {
			return err
		}
		return nil
	}, &calls
}

func TestRetrierRetriesTransientErrorsOnly(t *testing.T) {
	for name, test := range map[string]struct {
		failures int
		err      error
		calls    int
		fails    bool
	}{
		"success":               {0, nil, 1, false},
		"one transient":         {1, Transient(errRefused), 2, false},
		"all but the last":      {2, Transient(errRefused), 3, false},
		"too many":              {3, Transient(errRefused), 3, true},
		"business":              {1, Business(NotFound, "a", "b"), 1, true},
		"business in transient": {1, Transient(Business(NotFound, "a", "b")), 1, true},
		"plain":                 {1, errRefused, 1, true},
	} {
		f, calls := failing(test.failures, test.err)
		r := &Retrier{Attempts: 3, Base: time.Microsecond}
		err := r.Do(context.Background(), f)
		if *calls != test.calls || (err != nil) != test.fails {
			t.Errorf("%s: %d calls and %v, want %d calls", name, *calls, err, test.calls)
		}
		if test.fails && !errors.Is(err, test.err) {
			t.Errorf("%s: %v does not contain the error of the call", name, err)
		}
	}
}

func TestRetrierDefaults(t *testing.T) {
	f, calls := failing(100, Transient(errRefused))
	if err := (&Retrier{}).Do(context.Background(), f); Classify(err) != ClassTransient {
		t.Errorf("got %v", err)
	}
	if *calls != 4 {
		t.Errorf("%d calls, want 4", *calls)
	}
}

func TestRetrierWaits(t *testing.T) {
	r := &Retrier{Base: 100 * time.Millisecond, Max: time.Second}
	limits := map[int]time.Duration{
		1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 3: 400 * time.Millisecond,
		4: 800 * time.Millisecond, 5: time.Second, 1000: time.Second,
	}
	for attempt, limit := range limits {
		longest := time.Duration(0)
		for range 1000 {
			wait := r.wait(attempt)
			if wait < 0 || wait >= limit {
				t.Fatalf("attempt %d waits %v, want less than %v", attempt, wait, limit)
			}
			longest = max(longest, wait)
		}
		// All of a thousand in the lower half has a chance of 1 in 2^1000.
		if longest < limit/2 {
			t.Errorf("attempt %d waits %v at most, want up to %v", attempt, longest, limit)
		}
	}
}

func TestRetrierStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	calls := 0
	err := (&Retrier{Base: time.Hour, Max: time.Hour}).Do(ctx, func(context.Context) error {
		calls++
		cancel()
		return Transient(errRefused)
	})
	if calls != 1 || !errors.Is(err, context.Canceled) || !errors.Is(err, errRefused) {
		t.Errorf("%d calls and %v", calls, err)
	}
}

func TestRetrierStopsWhileItWaits(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	stop := time.AfterFunc(10*time.Millisecond, cancel)
	defer stop.Stop()
	if err := sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestRetrierDoesNotWaitPastItsDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := sleep(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if ctx.Err() != nil {
		t.Error("it waited until the deadline")
	}
}

func TestRetrierPassesPanicsOn(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("the panic was swallowed")
		}
	}()
	_ = (&Retrier{}).Do(context.Background(), explode)
}

func TestBudget(t *testing.T) {
	r := &Retrier{Attempts: 2, Base: time.Microsecond, Budget: NewBudget(0.2, 3)}
	calls := 0
	for range 103 {
		_ = r.Do(context.Background(), func(context.Context) error {
			calls++
			return Transient(errRefused)
		})
	}
	// 103 calls, 3 retries of the burst and one in five of the rest, but for roundings.
	if retries := calls - 103; retries < 20 || retries > 24 {
		t.Errorf("%d retries of 103 calls, want about 23", retries)
	}
}
