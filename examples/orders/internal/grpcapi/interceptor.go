package grpcapi

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"unpanic.dev/examples/orders/internal/audit"
	"unpanic.dev/examples/orders/internal/metrics"
)

// audited records each call and tells the handlers when it came in.
func audited(trail *audit.Trail) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		md, ok := metadata.FromIncomingContext(ctx)
		if !ok {
			md = metadata.MD{}
		}
		trail.Record(info.FullMethod, md)
		md.Set("x-received", time.Now().Format(time.RFC3339)) // want "MAP005"
		return handler(metadata.NewIncomingContext(ctx, md), req)
	}
}

// observed counts and times each call.
func observed(recorder *metrics.Recorder) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		started := time.Now()
		response, err := handler(ctx, req)
		recorder.Request(info.FullMethod, int(status.Code(err)))
		recorder.Duration(info.FullMethod, time.Since(started))
		return response, err
	}
}
