// Package app puts the service together. It is separate from main so that tests can run it whole.
package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"unpanic.dev/examples/orders/internal/audit"
	"unpanic.dev/examples/orders/internal/config"
	"unpanic.dev/examples/orders/internal/fulfil"
	"unpanic.dev/examples/orders/internal/grpcapi"
	"unpanic.dev/examples/orders/internal/httpapi"
	"unpanic.dev/examples/orders/internal/inventory"
	"unpanic.dev/examples/orders/internal/metrics"
	"unpanic.dev/examples/orders/internal/notify"
	"unpanic.dev/examples/orders/internal/order"
	"unpanic.dev/examples/orders/internal/plugins"
	"unpanic.dev/examples/orders/internal/plugins/discount"
	"unpanic.dev/examples/orders/internal/plugins/shipping"
	"unpanic.dev/examples/orders/internal/plugins/tax"
	"unpanic.dev/examples/orders/internal/pricing"
	"unpanic.dev/examples/orders/internal/pubsub"
	"unpanic.dev/examples/orders/internal/ratelimit"
	"unpanic.dev/examples/orders/internal/recovery"
	"unpanic.dev/examples/orders/internal/report"
	"unpanic.dev/examples/orders/internal/service"
	"unpanic.dev/examples/orders/internal/session"
	"unpanic.dev/examples/orders/internal/store"
)

// Config is what can be set from outside.
type Config struct {
	Prices  pricing.List
	Stock   map[string]int
	Workers int
	Country string
	Webhook string
	// Requests that a customer may make a minute.
	RequestsPerMinute int
	Logger            *slog.Logger
	Poster            notify.Poster
}

// App is the service with everything it needs.
type App struct {
	HTTP     http.Handler
	GRPC     *grpc.Server
	Pipeline *fulfil.Pipeline
	Trail    *audit.Trail

	webhook *notify.Webhook
	limiter *ratelimit.Limiter
}

// New puts the service together and starts its workers.
func New(ctx context.Context, c Config) (*App, error) {
	err := plugins.Load(ctx, []plugins.Plugin{
		shipping.Plugin{RateCents: 490, FreeFromCents: 5000},
		&discount.Plugin{Percent: 5, Regulars: []string{"ada", "grace"}},
		tax.Plugin{Country: c.Country},
	})
	if err != nil {
		return nil, err
	}

	registry := prometheus.NewRegistry()
	panics, err := recovery.NewPrometheus(registry)
	if err != nil {
		return nil, err
	}
	guarded := recovery.New(recovery.Config{Logger: c.Logger, Metrics: panics})
	recorder := metrics.New(registry)
	webhook := &notify.Webhook{URL: c.Webhook, Poster: c.Poster}
	notifier := notify.New(notify.LogSink{Logger: c.Logger}, webhook)
	orders := store.New(time.Now)
	hub := pubsub.NewHub()
	pipeline := fulfil.New(orders, func(o order.Order) {
		hub.Publish(o)
		notifier.Changed(o)
	}, report.NewDay(time.Now().Format(time.DateOnly)))
	pipeline.Start(c.Workers)

	s := &service.Orders{
		Store:     orders,
		Inventory: inventory.New(c.Stock),
		Pricer:    pricing.New(c.Prices, time.Minute),
		Pipeline:  pipeline,
		Hub:       hub,
		Metrics:   recorder,
		Flags:     config.NewFlags(map[string]bool{"adjustments": true}),
		Logger:    c.Logger,
	}
	limiter := ratelimit.New(c.RequestsPerMinute, time.Minute)
	trail := &audit.Trail{}

	mux := http.NewServeMux()
	mux.Handle("/", httpapi.New(s, session.NewStore(), recorder, limiter).Handler(guarded))
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return &App{
		HTTP:     mux,
		GRPC:     grpcapi.New(s, trail, recorder, guarded),
		Pipeline: pipeline,
		Trail:    trail,
		webhook:  webhook,
		limiter:  limiter,
	}, nil
}

// Serve answers on both listeners until ctx ends, then finishes the orders that are queued.
func (a *App) Serve(ctx context.Context, httpListener, grpcListener net.Listener) error {
	server := &http.Server{Handler: a.HTTP, ReadHeaderTimeout: 5 * time.Second}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := server.Serve(httpListener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		return a.GRPC.Serve(grpcListener)
	})
	group.Go(func() error {
		tick := time.NewTicker(time.Minute)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				a.limiter.Sweep()
			case <-ctx.Done():
				return nil
			}
		}
	})
	group.Go(func() error {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		a.GRPC.GracefulStop()
		return server.Shutdown(grace)
	})
	return group.Wait()
}

// Close finishes what is under way and gives the day's report. Serve must have ended.
func (a *App) Close() report.Day {
	day := a.Pipeline.Close()
	a.webhook.Flush()
	return day
}
