package plugins

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// Plugin can be switched on.
type Plugin interface {
	Name() string
	// Start reads what the plugin needs and registers its adjustments.
	Start(ctx context.Context) error
}

// Load starts all plugins. They may have much to read, so that they start side by side.
func Load(ctx context.Context, all []Plugin) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range all {
		group.Go(func() error {
			return start(ctx, p)
		})
	}
	return group.Wait()
}

func start(ctx context.Context, p Plugin) error {
	if err := p.Start(ctx); err != nil {
		return fmt.Errorf("plugin %s: %w", p.Name(), err)
	}
	return nil
}
