package recovery

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

func incomingCall() context.Context {
	return metadata.NewIncomingContext(context.Background(), metadata.Pairs("traceparent", testTraceparent))
}

func TestUnaryInterceptor(t *testing.T) {
	r, out := newTestRecoverer()
	info := &grpc.UnaryServerInfo{FullMethod: "/orders.Orders/Get"}
	call := func(handler grpc.UnaryHandler) (any, error) {
		return r.UnaryServerInterceptor()(incomingCall(), "request", info, handler)
	}
	response, err := call(func(_ context.Context, req any) (any, error) { return req, nil })
	if response != "request" || err != nil {
		t.Errorf("got %v, %v", response, err)
	}
	response, err = call(func(context.Context, any) (any, error) {
		return "half", Business(NotFound, "no_order", "no such order")
	})
	if response != nil || status.Code(err) != codes.NotFound {
		t.Errorf("got %v, %v", response, err)
	}
	_, err = call(func(context.Context, any) (any, error) { panic("secret") })
	if status.Code(err) != codes.Internal || status.Convert(err).Message() != "internal error" {
		t.Errorf("got %v", err)
	}
	record := out.only(t)
	for key, want := range map[string]any{
		"kind": "grpc", "route": info.FullMethod, "trace_id": testTrace, "panic": "secret",
	} {
		if record[key] != want {
			t.Errorf("%s = %v, want %v", key, record[key], want)
		}
	}
	out.wantCount(t, `go_panic_total{kind="grpc",route="/orders.Orders/Get"} 1`)
}

// testStream is a stream that only has a context.
type testStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s testStream) Context() context.Context { return s.ctx }

func TestStreamInterceptor(t *testing.T) {
	r, out := newTestRecoverer()
	info := &grpc.StreamServerInfo{FullMethod: "/orders.Orders/Watch"}
	call := func(handler grpc.StreamHandler) error {
		return r.StreamServerInterceptor()("service", testStream{ctx: incomingCall()}, info, handler)
	}
	err := call(func(srv any, stream grpc.ServerStream) error {
		if got := (headerTracer{}).TraceID(stream.Context()); srv != "service" || got != testTrace {
			t.Errorf("the handler got %v and trace %q", srv, got)
		}
		return nil
	})
	if err != nil {
		t.Errorf("got %v", err)
	}
	err = call(func(any, grpc.ServerStream) error { panic("secret") })
	if status.Code(err) != codes.Internal {
		t.Errorf("got %v", err)
	}
	if got := out.only(t)["route"]; got != info.FullMethod {
		t.Errorf("route = %v", got)
	}
}

func TestGRPCError(t *testing.T) {
	own := status.Error(codes.DataLoss, "own")
	for name, test := range map[string]struct {
		err  error
		want codes.Code
	}{
		"nil":             {nil, codes.OK},
		"own status":      {own, codes.DataLoss},
		"wrapped status":  {fmt.Errorf("get: %w", own), codes.DataLoss},
		"plain":           {errors.New("plain"), codes.Unknown},
		"transient":       {Transient(errors.New("refused")), codes.Unavailable},
		"invalid":         {Business(InvalidInput, "a", "b"), codes.InvalidArgument},
		"unauthenticated": {Business(Unauthenticated, "a", "b"), codes.Unauthenticated},
		"forbidden":       {Business(Forbidden, "a", "b"), codes.PermissionDenied},
		"not found":       {Business(NotFound, "a", "b"), codes.NotFound},
		"conflict":        {Business(Conflict, "a", "b"), codes.AlreadyExists},
		"unprocessable":   {Business(Unprocessable, "a", "b"), codes.FailedPrecondition},
		"limit":           {Business(LimitExceeded, "a", "b"), codes.ResourceExhausted},
		"unknown reason":  {Business(Reason(99), "a", "b"), codes.Internal},
		"panic":           {&PanicError{Value: "boom"}, codes.Internal},
	} {
		if got := status.Code(GRPCError(test.err)); got != test.want {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}
