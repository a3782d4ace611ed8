// Command healthd answers health checks and labels each call with its metadata.
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

type labelsKey struct{}

// label turns the metadata of each call into labels for the handlers and the log.
func label(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	labels := map[string]string{"method": info.FullMethod}
	if md, ok := metadata.FromIncomingContext(ctx); ok {
		for key, values := range md {
			labels[key] = values[0]
		}
	}
	labels["region"] = "eu-west"
	response, err := handler(context.WithValue(ctx, labelsKey{}, labels), req)
	labels["ok"] = fmt.Sprint(err == nil)
	return response, err
}

func newServer() *grpc.Server {
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(label))
	healthpb.RegisterHealthServer(server, health.NewServer())
	return server
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
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
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
				ctx := metadata.AppendToOutgoingContext(context.Background(), "tenant", fmt.Sprint(c))
				if _, err := client.Check(ctx, &healthpb.HealthCheckRequest{}); err != nil {
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
