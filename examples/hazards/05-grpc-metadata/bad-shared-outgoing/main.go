// Command healthcheck asks a service for its health and names itself in each call.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
)

func newServer() *grpc.Server {
	server := grpc.NewServer()
	healthpb.RegisterHealthServer(server, health.NewServer())
	return server
}

// identity names this service in the calls that it makes.
type identity struct {
	headers metadata.MD
}

// intercept sends the identity and the number of the call along.
func (id *identity) intercept(
	ctx context.Context, method string, req, reply any, cc *grpc.ClientConn,
	invoker grpc.UnaryInvoker, opts ...grpc.CallOption,
) error {
	id.headers.Set("x-method", method) // want "MAP005"
	return invoker(metadata.NewOutgoingContext(ctx, id.headers), method, req, reply, cc, opts...)
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := newServer()
	go func() {
		if err := server.Serve(listener); err != nil {
			log.Print(err)
		}
	}()
	ok := smoke(listener.Addr().String())
	server.Stop()
	fmt.Println("calls answered:", ok)
}

// smoke asks for the server's health from several goroutines and says how many calls were answered.
func smoke(address string) int64 {
	id := &identity{headers: metadata.Pairs("x-service", "healthcheck")}
	conn, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(id.intercept))
	if err != nil {
		log.Print(err)
		return 0
	}
	defer conn.Close()
	client := healthpb.NewHealthClient(conn)

	var ok atomic.Int64
	var callers sync.WaitGroup
	for c := 0; c < 8; c++ {
		callers.Add(1)
		go func() {
			defer callers.Done()
			for i := 0; i < 25; i++ {
				if _, err := client.Check(context.Background(), &healthpb.HealthCheckRequest{}); err != nil {
					log.Print(err)
					continue
				}
				ok.Add(1)
			}
		}()
	}
	callers.Wait()
	return ok.Load()
}
