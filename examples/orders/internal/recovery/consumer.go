package recovery

import "context"

// Consumer puts a recover around the handler of messages of type M. A panic comes back as an error,
// so that the message can be rejected and the consumer lives on. Name is the route in logs, metrics
// and profiles: the queue or topic.
//
// What to do with a message whose handler failed, [Classify] says: a transient failure is worth
// another delivery; after a business failure or a panic the next one would fail like this one.
func Consumer[M any](r *Recoverer, name string, handle func(context.Context, M) error) func(context.Context, M) error {
	return func(ctx context.Context, message M) error {
		return r.Run(ctx, BoundaryConsumer, name, func(ctx context.Context) error {
			return handle(ctx, message)
		})
	}
}
