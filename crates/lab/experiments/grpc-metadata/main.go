// Hazard 5: metadata.MD is a map[string][]string. One that was handed to an interceptor's goroutine
// is still written by the call. MD stands here as google.golang.org/grpc/metadata declares it: the lab
// uses no network.
package main

import (
	"context"
	"fmt"
	"os"
	"sync"
)

// MD is what grpc's metadata.MD is.
type MD map[string][]string

// Copy copies the map and the slices in it, as grpc's does.
func (md MD) Copy() MD {
	out := make(MD, len(md))
	for key, values := range md {
		out[key] = append([]string(nil), values...)
	}
	return out
}

type mdKey struct{}

// fromIncoming gives a copy of the call's metadata, as grpc's FromIncomingContext does.
func fromIncoming(ctx context.Context) MD {
	return ctx.Value(mdKey{}).(MD).Copy()
}

func main() {
	incoming := MD{"tenant": {"a"}, ":authority": {"localhost"}}
	ctx := context.WithValue(context.Background(), mdKey{}, incoming)
	var audits sync.WaitGroup
	audit := func(md MD, call int) {
		audits.Add(1)
		go func() {
			defer audits.Done()
			for i := 0; i < 5000; i++ {
				md["audit"] = []string{fmt.Sprint(call)}
			}
		}()
	}
	for call := 0; call < 50; call++ {
		md := fromIncoming(ctx)
		switch os.Args[1] {
		case "one":
			md["region"] = []string{"eu-west"}
			md["audit"] = []string{"none"}
		case "async":
			audit(md, call)
			for i := 0; i < 5000; i++ {
				md["region"] = []string{"eu-west"}
			}
		case "fixed":
			audit(md.Copy(), call)
			for i := 0; i < 5000; i++ {
				md["region"] = []string{"eu-west"}
			}
		}
	}
	audits.Wait()
	fmt.Printf("incoming_unchanged=%t\n", len(incoming) == 2)
}
