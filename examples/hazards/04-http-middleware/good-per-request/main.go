// Command shop serves carts. Each request carries tags for its log line.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

type tagsKey struct{}

// withTags gives each request a set of tags for its log line.
func withTags(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tags := map[string]string{"path": r.URL.Path}
		ctx := context.WithValue(r.Context(), tagsKey{}, tags)
		next.ServeHTTP(w, r.WithContext(ctx))
		tags["served"] = "true"
		requests.Add(int64(len(tags)))
	})
}

func routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /cart", withTags(http.HandlerFunc(cart)))
	return mux
}

var requests atomic.Int64

func cart(w http.ResponseWriter, r *http.Request) {
	if tags, ok := r.Context().Value(tagsKey{}).(map[string]string); ok {
		tags["customer"] = "7"
	}
	fmt.Fprintln(w, "cart")
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: routes()}
	go func() {
		if err := server.Serve(listener); err != http.ErrServerClosed {
			log.Print(err)
		}
	}()
	ok := smoke("http://" + listener.Addr().String())
	if err := server.Close(); err != nil {
		log.Print(err)
	}
	fmt.Println("requests served:", ok)
}

// smoke asks for the cart over several connections and says how many requests were answered.
func smoke(base string) int64 {
	var ok atomic.Int64
	var clients sync.WaitGroup
	for c := 0; c < 8; c++ {
		clients.Add(1)
		go func() {
			defer clients.Done()
			for i := 0; i < 25; i++ {
				request, err := http.NewRequest(http.MethodGet, base+"/cart", nil)
				if err != nil {
					log.Print(err)
					return
				}
				request.AddCookie(&http.Cookie{Name: "session", Value: "customer-7"})
				response, err := http.DefaultClient.Do(request)
				if err != nil {
					log.Print(err)
					continue
				}
				response.Body.Close()
				if response.StatusCode == http.StatusOK {
					ok.Add(1)
				}
			}
		}()
	}
	clients.Wait()
	return ok.Load()
}
