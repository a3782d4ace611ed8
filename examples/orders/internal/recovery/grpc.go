package recovery

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// UnaryServerInterceptor puts a recover around unary calls. A call whose handler panics is answered
// with codes.Internal; errors of this package become the statuses of [GRPCError].
func (r *Recoverer) UnaryServerInterceptor() grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		var response any
		err := r.Run(withIncomingTrace(ctx), BoundaryGRPC, info.FullMethod, func(ctx context.Context) (err error) {
			response, err = handler(ctx, req)
			return err
		})
		if err != nil {
			return nil, GRPCError(err)
		}
		return response, nil
	}
}

// StreamServerInterceptor does for streams what UnaryServerInterceptor does for unary calls.
func (r *Recoverer) StreamServerInterceptor() grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		ctx := withIncomingTrace(stream.Context())
		err := r.Run(ctx, BoundaryGRPC, info.FullMethod, func(ctx context.Context) error {
			return handler(srv, &serverStream{ServerStream: stream, ctx: ctx})
		})
		return GRPCError(err)
	}
}

// GRPCError returns err as gRPC answers it: business errors by their reason, transient ones as
// codes.Unavailable, panics as codes.Internal. Others are returned as they are.
func GRPCError(err error) error {
	switch Classify(err) {
	case ClassFatal:
		return status.Error(codes.Internal, "internal error")
	case ClassBusiness:
		business := asBusiness(err)
		return status.Error(business.Reason.grpcCode(), business.Code+": "+business.Message)
	case ClassTransient:
		return status.Error(codes.Unavailable, "try again later")
	default:
		return err
	}
}

func (r Reason) grpcCode() codes.Code {
	switch r {
	case InvalidInput:
		return codes.InvalidArgument
	case Unauthenticated:
		return codes.Unauthenticated
	case Forbidden:
		return codes.PermissionDenied
	case NotFound:
		return codes.NotFound
	case Conflict:
		return codes.AlreadyExists
	case Unprocessable:
		return codes.FailedPrecondition
	case LimitExceeded:
		return codes.ResourceExhausted
	default:
		return codes.Internal
	}
}

// withIncomingTrace takes the trace from the metadata that the client sent.
func withIncomingTrace(ctx context.Context) context.Context {
	for _, header := range metadata.ValueFromIncomingContext(ctx, "traceparent") {
		ctx = withTraceparent(ctx, header)
	}
	return ctx
}

// serverStream is a stream with a context of its own.
type serverStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *serverStream) Context() context.Context { return s.ctx }
