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

// requests counts requests by article. Looking a counter up by its labels costs a hash of all of
// them, so the counters that are in use are kept.
type requests struct {
	vec       *prometheus.CounterVec
	byArticle map[string]prometheus.Counter
}

func newRequests(registry prometheus.Registerer) *requests {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "catalogue_requests_total",
		Help: "Requests by article.",
	}, []string{"article"})
	registry.MustRegister(vec)
	return &requests{vec: vec, byArticle: make(map[string]prometheus.Counter)}
}

// counter is the counter of one article.
func (r *requests) counter(article string) prometheus.Counter {
	if c, ok := r.byArticle[article]; ok {
		return c
	}
	c := r.vec.WithLabelValues(article)
	r.byArticle[article] = c // want "MAP006"
	return c
}

func routes() http.Handler {
	registry := prometheus.NewRegistry()
	requests := newRequests(registry)

	mux := http.NewServeMux()
	mux.HandleFunc("GET /articles/{article}", func(w http.ResponseWriter, r *http.Request) {
		article := r.PathValue("article")
		requests.counter(article).Inc()
		fmt.Fprintln(w, "article", article)
	})
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
