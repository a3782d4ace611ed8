// Command orders is an order service: HTTP on one address, gRPC on another.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"

	"unpanic.dev/examples/orders/internal/app"
	"unpanic.dev/examples/orders/internal/pricing"
)

func main() {
	httpAddress := flag.String("http", "127.0.0.1:8080", "address of the HTTP API")
	grpcAddress := flag.String("grpc", "127.0.0.1:9090", "address of the gRPC API")
	webhook := flag.String("webhook", "http://127.0.0.1:8081/events", "where to post events")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *httpAddress, *grpcAddress, *webhook); err != nil {
		fmt.Fprintln(os.Stderr, "orders:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, httpAddress, grpcAddress, webhook string) error {
	service, err := app.New(ctx, app.Config{
		Prices:            pricing.List{"pen": 250, "notebook": 800, "lamp": 4900},
		Stock:             map[string]int{"pen": 10_000, "notebook": 5_000, "lamp": 200},
		Workers:           4,
		Country:           "de",
		Webhook:           webhook,
		RequestsPerMinute: 600,
		Logger:            slog.Default(),
		Poster:            poster{},
	})
	if err != nil {
		return err
	}
	httpListener, err := net.Listen("tcp", httpAddress)
	if err != nil {
		return err
	}
	grpcListener, err := net.Listen("tcp", grpcAddress)
	if err != nil {
		return err
	}
	slog.Info("serving", "http", httpListener.Addr(), "grpc", grpcListener.Addr())
	if err := service.Serve(ctx, httpListener, grpcListener); err != nil {
		return err
	}
	_, err = service.Close().WriteTo(os.Stdout)
	return err
}

// poster delivers events over HTTP.
type poster struct{}

func (poster) Post(url, body string) error {
	response, err := http.Post(url, "text/plain", strings.NewReader(body))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return nil
}
