// Command client keeps a gRPC service busy, crashes it so many times, and prints what came of all calls.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"unpanic.dev/guard/testdata/grpc/shop"
)

// patience is how long a call may take.
const patience = 30 * time.Second

type result struct {
	// Calls are counted by method and code.
	Calls map[string]map[string]int `json:"calls"`
	// Recovery is from the call that crashes to the first answer of another process.
	Recovery []float64 `json:"recovery_ms"`
}

func main() {
	address := flag.String("addr", "127.0.0.1:8080", "what to call")
	crashes := flag.Int("crashes", 10, "how often to crash it")
	ways := flag.String("ways", "map,nil,panic,unlock,overflow,exit,kill", "how, in turn")
	flag.Parse()
	conn, err := grpc.NewClient(*address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(shop.Codec{})))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()

	// The guard may be about to listen.
	ready, cancel := context.WithTimeout(context.Background(), patience)
	var first shop.Text
	err = conn.Invoke(ready, "/"+shop.Name+"/Pid", &shop.Text{}, &first, grpc.WaitForReady(true))
	cancel()
	if err != nil {
		log.Fatal(err)
	}

	found := result{Calls: map[string]map[string]int{}}
	var mu sync.Mutex
	count := func(method string, err error) {
		mu.Lock()
		defer mu.Unlock()
		if found.Calls[method] == nil {
			found.Calls[method] = map[string]int{}
		}
		found.Calls[method][status.Code(err).String()]++
	}
	done := make(chan struct{})
	var load sync.WaitGroup
	for i := range 6 {
		load.Add(1)
		go func() {
			defer load.Done()
			for {
				select {
				case <-done:
					return
				default:
				}
				if i < 4 {
					_, err := call(conn, "Read", "x")
					count("Read", err)
				} else {
					count("Watch", watch(conn))
				}
			}
		}()
	}
	list := strings.Split(*ways, ",")
	for n := range *crashes {
		// Any moment of the 20 ms that calls take will do.
		time.Sleep(time.Duration(120+n*37%200) * time.Millisecond)
		before, err := call(conn, "Pid", "")
		if err != nil {
			log.Fatalf("before crash %d: %v", n, err)
		}
		start := time.Now()
		crashed := make(chan error, 1)
		go func() {
			_, err := call(conn, "Crash", list[n%len(list)])
			crashed <- err
		}()
		for {
			now, err := call(conn, "Pid", "")
			if err == nil && now != before {
				break
			}
			if code := status.Code(err); code != codes.OK && code != codes.Unavailable {
				log.Fatalf("after crash %d: %v", n, err)
			}
			if time.Since(start) > patience {
				log.Fatalf("after crash %d: no other process answers", n)
			}
			time.Sleep(2 * time.Millisecond)
		}
		found.Recovery = append(found.Recovery, float64(time.Since(start).Microseconds())/1000)
		count("Crash", <-crashed)
	}
	close(done)
	load.Wait()
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		log.Fatal(err)
	}
}

func call(conn *grpc.ClientConn, method, in string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var out shop.Text
	err := conn.Invoke(ctx, "/"+shop.Name+"/"+method, &shop.Text{Value: in}, &out)
	return out.Value, err
}

// watch reads a stream to its end.
func watch(conn *grpc.ClientConn) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/"+shop.Name+"/Watch")
	if err != nil {
		return err
	}
	if err := stream.SendMsg(&shop.Text{}); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	for {
		var out shop.Text
		err := stream.RecvMsg(&out)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
