// Package pricing says what an order costs.
package pricing

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"unpanic.dev/examples/orders/internal/annotate"
	"unpanic.dev/examples/orders/internal/cache"
	"unpanic.dev/examples/orders/internal/order"
)

// Source knows the price of an article, in cents.
type Source interface {
	Price(ctx context.Context, article string) (int64, error)
}

// List is a fixed price list.
type List map[string]int64

// Price looks the article up.
func (l List) Price(_ context.Context, article string) (int64, error) {
	cents, ok := l[article]
	if !ok {
		return 0, fmt.Errorf("no price for %q", article)
	}
	return cents, nil
}

// Pricer adds up orders.
type Pricer struct {
	source Source
	known  *cache.Cache[string, int64]
}

// New makes a pricer that asks source for what it has not seen lately.
func New(source Source, ttl time.Duration) *Pricer {
	return &Pricer{source: source, known: cache.New[string, int64](ttl)}
}

// Total is the price of all lines. The lines are priced side by side.
func (p *Pricer) Total(ctx context.Context, lines []order.Line) (int64, error) {
	cents := make([]int64, len(lines))
	group, ctx := errgroup.WithContext(ctx)
	for i, line := range lines {
		group.Go(func() error {
			price, err := p.price(ctx, line.Article)
			if err != nil {
				return err
			}
			cents[i] = price * int64(line.Quantity)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}

	var total int64
	for _, c := range cents {
		total += c
	}
	return total, nil
}

func (p *Pricer) price(ctx context.Context, article string) (int64, error) {
	cents, err := p.known.Get(article, func(article string) (int64, error) {
		return p.source.Price(ctx, article)
	})
	if err == nil {
		annotate.Set(ctx, "price."+article, cents)
	}
	return cents, err
}
