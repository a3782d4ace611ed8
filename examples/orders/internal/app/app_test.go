package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"unpanic.dev/examples/orders/internal/order"
	"unpanic.dev/examples/orders/internal/orderspb"
	"unpanic.dev/examples/orders/internal/pricing"
)

type nowhere struct{}

func (nowhere) Post(string, string) error { return nil }

func start(t *testing.T) (*App, *httptest.Server) {
	t.Helper()
	a, err := New(t.Context(), Config{
		Prices:            pricing.List{"pen": 250, "notebook": 800},
		Stock:             map[string]int{"pen": 1 << 20, "notebook": 1 << 20},
		Workers:           2,
		Country:           "de",
		RequestsPerMinute: 1 << 20,
		Logger:            slog.New(slog.DiscardHandler),
		Poster:            nowhere{},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.HTTP)
	t.Cleanup(server.Close)
	return a, server
}

func place(base, session, customer string) (order.Order, error) {
	body := fmt.Sprintf(`{"customer":%q,"lines":[{"article":"pen","quantity":2},{"article":"notebook","quantity":1}]}`, customer)
	request, err := http.NewRequest(http.MethodPost, base+"/orders", strings.NewReader(body))
	if err != nil {
		return order.Order{}, err
	}
	request.Header.Set("X-Session", session)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return order.Order{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		return order.Order{}, fmt.Errorf("status %s", response.Status)
	}
	var placed order.Order
	return placed, json.NewDecoder(response.Body).Decode(&placed)
}

func TestAnOrderIsPlacedAndShipped(t *testing.T) {
	a, server := start(t)
	placed, err := place(server.URL, "s-1", "linus")
	if err != nil {
		t.Fatal(err)
	}
	// 2 pens and a notebook, shipping, 19% tax.
	if want := int64(1300 + 490 + 247); placed.TotalCents != want {
		t.Errorf("total: got %d, want %d", placed.TotalCents, want)
	}
	if got := a.Close().Customers(); got != 1 {
		t.Errorf("customers of the day: got %d, want 1", got)
	}
}

func TestAWrongOrderIsRefused(t *testing.T) {
	_, server := start(t)
	response, err := http.Post(server.URL+"/orders", "application/json", strings.NewReader(`{"customer":"linus"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("status: got %s, want 422", response.Status)
	}
}

// TestLoad places many orders at once, over HTTP and gRPC. It is slow, and it can kill the process:
// set ORDERS_LOAD to run it.
func TestLoad(t *testing.T) {
	if os.Getenv("ORDERS_LOAD") == "" {
		t.Skip("ORDERS_LOAD is not set")
	}
	a, server := start(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go a.GRPC.Serve(listener)
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := orderspb.NewOrdersClient(conn)

	var customers sync.WaitGroup
	for c := range 8 {
		customers.Go(func() {
			for i := range 25 {
				customer := fmt.Sprintf("customer-%d-%d", c, i)
				if _, err := place(server.URL, "everyone", customer); err != nil {
					t.Error(err)
				}
				ctx := metadata.AppendToOutgoingContext(context.Background(), "tenant", customer)
				_, err := client.Place(ctx, &orderspb.PlaceRequest{
					Customer: customer,
					Lines:    []*orderspb.Line{{Article: "pen", Quantity: 1}, {Article: "notebook", Quantity: 1}},
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	customers.Wait()
	a.GRPC.GracefulStop()
	server.Close()
	a.Close()
	if got := len(a.Trail.Lines()); got != 200 {
		t.Errorf("calls in the trail: got %d, want 200", got)
	}
}
