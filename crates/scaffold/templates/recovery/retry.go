package recovery

import (
	"context"
	"fmt"
	"math/rand"
	"sync"
	"time"
)

// Retrier calls again what failed with a transient error. It waits a random time between nothing and
// a limit that doubles with each attempt ("full jitter"), so that callers that failed together do not
// come back together. The zero value is useful; it is safe for concurrent use.
type Retrier struct {
	// Attempts is how often to call at most, the first call included; 4 if 0.
	Attempts int
	// Base is the limit of the first wait; 50ms if 0.
	Base time.Duration
	// Max is the limit that waits never pass; 5s if 0.
	Max time.Duration
	// Budget caps retries over all calls; there is no cap if it is nil.
	Budget *Budget
}

// Do calls f until it succeeds, fails with an error that is not transient, or there is no attempt,
// budget or time left. The error is the last one of f.
func (r *Retrier) Do(ctx context.Context, f func(context.Context) error) error {
	attempts := r.Attempts
	if attempts == 0 {
		attempts = 4
	}
	if r.Budget != nil {
		r.Budget.deposit()
	}
	for attempt := 1; ; attempt++ {
		err := f(ctx)
		if err == nil || Classify(err) != ClassTransient {
			return err
		}
		if attempt >= attempts {
			return fmt.Errorf("gave up after %d attempts: %w", attempt, err)
		}
		if r.Budget != nil && !r.Budget.withdraw() {
			return fmt.Errorf("gave up after %d attempts, no retry budget left: %w", attempt, err)
		}
		if cause := sleep(ctx, r.wait(attempt)); cause != nil {
			return fmt.Errorf("gave up after %d attempts, %w: %w", attempt, cause, err)
		}
	}
}

// wait returns how long to wait after an attempt, counted from 1.
func (r *Retrier) wait(attempt int) time.Duration {
	limit, highest := r.Base, r.Max
	if limit <= 0 {
		limit = 50 * time.Millisecond
	}
	if highest <= 0 {
		highest = 5 * time.Second
	}
	for ; attempt > 1 && limit < highest; attempt-- {
		limit *= 2
	}
	limit = min(limit, highest)
	return time.Duration(rand.Int63n(int64(limit)))
}

// sleep waits for d. It fails at once if ctx is over, or would be over before d.
func sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return context.DeadlineExceeded
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Budget caps retries to a share of all calls, so that a dependency that is down does not get many
// times its usual load. Share one among all callers of the dependency.
type Budget struct {
	ratio float64
	most  float64

	mu     sync.Mutex
	tokens float64
}

// NewBudget allows ratio retries a call (0.2: one in five calls) after a burst of the given number.
func NewBudget(ratio float64, burst int) *Budget {
	return &Budget{ratio: ratio, most: float64(burst), tokens: float64(burst)}
}

func (b *Budget) deposit() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens = min(b.tokens+b.ratio, b.most)
}

func (b *Budget) withdraw() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
