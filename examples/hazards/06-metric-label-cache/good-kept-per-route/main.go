// Command catalogue serves articles and counts the requests for each.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// counted counts the requests that reach next.
func counted(c prometheus.Counter, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c.Inc()
		next(w, r)
	}
}

func routes() http.Handler {
	registry := prometheus.NewRegistry()
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "catalogue_requests_total",
		Help: "Requests by route.",
	}, []string{"route"})
	registry.MustRegister(vec)

	handlers := map[string]http.HandlerFunc{
		"GET /articles/{article}": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, "article", r.PathValue("article"))
		},
		"GET /health": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, "ok")
		},
	}
	counters := make(map[string]prometheus.Counter)
	mux := http.NewServeMux()
	for route, handler := range handlers {
		counters[route] = vec.WithLabelValues(route)
		mux.HandleFunc(route, counted(counters[route], handler))
	}
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return mux
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

// smoke asks for many articles over several connections and says how many requests were answered.
func smoke(base string) int64 {
	var ok atomic.Int64
	var clients sync.WaitGroup
	for c := 0; c < 16; c++ {
		clients.Add(1)
		go func() {
			defer clients.Done()
			for i := 0; i < 50; i++ {
				response, err := http.Get(fmt.Sprintf("%s/articles/%d-%d", base, c, i))
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
