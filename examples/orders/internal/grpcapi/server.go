// Package grpcapi serves orders over gRPC.
package grpcapi

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"unpanic.dev/examples/orders/internal/audit"
	"unpanic.dev/examples/orders/internal/metrics"
	"unpanic.dev/examples/orders/internal/order"
	"unpanic.dev/examples/orders/internal/orderspb"
	"unpanic.dev/examples/orders/internal/recovery"
	"unpanic.dev/examples/orders/internal/service"
)

// server answers the calls.
type server struct {
	orderspb.UnimplementedOrdersServer
	orders *service.Orders
}

// New makes a gRPC server that serves orders.
func New(
	orders *service.Orders, trail *audit.Trail, recorder *metrics.Recorder, guarded *recovery.Recoverer,
) *grpc.Server {
	s := grpc.NewServer(
		grpc.ChainUnaryInterceptor(guarded.UnaryServerInterceptor(), observed(recorder), audited(trail)),
		grpc.ChainStreamInterceptor(guarded.StreamServerInterceptor()),
	)
	orderspb.RegisterOrdersServer(s, &server{orders: orders})
	return s
}

// Place takes a new order.
func (s *server) Place(ctx context.Context, request *orderspb.PlaceRequest) (*orderspb.Order, error) {
	lines := make([]order.Line, 0, len(request.GetLines()))
	for _, line := range request.GetLines() {
		lines = append(lines, order.Line{Article: line.GetArticle(), Quantity: int(line.GetQuantity())})
	}
	placed, err := s.orders.Place(ctx, request.GetCustomer(), lines)
	if err != nil {
		return nil, fail(err)
	}
	return message(placed), nil
}

// Get is one order.
func (s *server) Get(_ context.Context, request *orderspb.GetRequest) (*orderspb.Order, error) {
	found, err := s.orders.Get(request.GetId())
	if err != nil {
		return nil, fail(err)
	}
	return message(found), nil
}

// Watch sends a customer's orders each time their status changes.
func (s *server) Watch(request *orderspb.WatchRequest, stream grpc.ServerStreamingServer[orderspb.Order]) error {
	changes, cancel := s.orders.Hub.Subscribe()
	defer cancel()
	last := make(map[string]order.Status)
	for {
		select {
		case o := <-changes:
			if o.Customer != request.GetCustomer() || last[o.ID] == o.Status {
				continue
			}
			last[o.ID] = o.Status
			if err := stream.Send(message(o)); err != nil {
				return err
			}
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}

func message(o order.Order) *orderspb.Order {
	m := &orderspb.Order{
		Id:         o.ID,
		Customer:   o.Customer,
		Status:     string(o.Status),
		TotalCents: o.TotalCents,
	}
	for _, line := range o.Lines {
		m.Lines = append(m.Lines, &orderspb.Line{Article: line.Article, Quantity: int32(line.Quantity)})
	}
	return m
}

func fail(err error) error {
	if invalid, ok := errors.AsType[*order.InvalidError](err); ok {
		return status.Error(codes.InvalidArgument, invalid.Error())
	}
	if errors.Is(err, order.ErrNotFound) {
		return status.Error(codes.NotFound, err.Error())
	}
	return status.Error(codes.Internal, err.Error())
}
