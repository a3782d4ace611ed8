package recovery

import "context"

// Go runs f on a goroutine of its own. A panic of f ends that goroutine only. Name is the route in
// logs, metrics and profiles.
//
// The context is the one given: for work that outlives a request, give context.WithoutCancel(ctx).
func (r *Recoverer) Go(ctx context.Context, name string, f func(context.Context)) {
	go func() {
		// The panic has been reported; nobody waits for the error.
		_ = r.Run(ctx, BoundaryGoroutine, name, func(ctx context.Context) error {
			f(ctx)
			return nil
		})
	}()
}
