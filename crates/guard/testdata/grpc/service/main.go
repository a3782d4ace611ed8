// Command service is a gRPC service that dies in the ways that it is told to.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"unpanic.dev/guard/testdata/grpc/shop"
)

type server struct {
	carts map[string]int
}

func main() {
	address := flag.String("addr", "127.0.0.1:9090", "where to listen")
	flag.Parse()
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	encoding.RegisterCodec(shop.Codec{})
	s := grpc.NewServer()
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: shop.Name,
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{
			{MethodName: "Read", Handler: unary((*server).read)},
			{MethodName: "Pid", Handler: unary((*server).pid)},
			{MethodName: "Crash", Handler: unary((*server).crash)},
		},
		Streams: []grpc.StreamDesc{{StreamName: "Watch", Handler: watch, ServerStreams: true}},
	}, &server{carts: map[string]int{}})
	healthpb.RegisterHealthServer(s, health.NewServer())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		s.GracefulStop()
	}()
	if err := s.Serve(listener); err != nil {
		log.Fatal(err)
	}
}

// unary makes a handler of a method. The type is the one that grpc.MethodDesc asks for.
func unary(method func(*server, string) (string, error)) func(any, context.Context, func(any) error, grpc.UnaryServerInterceptor) (any, error) {
	return func(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		var in shop.Text
		if err := decode(&in); err != nil {
			return nil, err
		}
		out, err := method(srv.(*server), in.Value)
		return &shop.Text{Value: out}, err
	}
}

func (s *server) read(what string) (string, error) {
	time.Sleep(20 * time.Millisecond)
	return "read " + what, nil
}

func (s *server) pid(string) (string, error) {
	return strconv.Itoa(os.Getpid()), nil
}

func watch(_ any, stream grpc.ServerStream) error {
	var in shop.Text
	if err := stream.RecvMsg(&in); err != nil {
		return err
	}
	for i := range 10 {
		time.Sleep(10 * time.Millisecond)
		if err := stream.SendMsg(&shop.Text{Value: strconv.Itoa(i)}); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) crash(mode string) (string, error) {
	switch mode {
	case "map":
		for range 8 {
			go func() {
				for {
					s.carts["a"]++
				}
			}()
		}
	case "nil":
		var none *server
		none.carts = nil
	case "panic":
		panic("in a handler")
	case "unlock":
		var mu sync.Mutex
		mu.Unlock()
	case "overflow":
		debug.SetMaxStack(1 << 20)
		overflow(1)
	case "exit":
		os.Exit(7)
	case "kill":
		if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
			return "", err
		}
	}
	time.Sleep(5 * time.Second)
	return "", errors.New("survived")
}

func overflow(n int) int {
	return overflow(n+1) + 1
}
