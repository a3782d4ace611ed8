// Shop is a small service with two races: one that load meets at once, and one that it seldom meets.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"unpanic.dev/examples/story/internal/prices"
	"unpanic.dev/examples/story/internal/visitors"
)

func main() {
	list := prices.New(100 * time.Millisecond)
	seen := visitors.New()
	var ready atomic.Bool
	ready.Store(true)

	mux := http.NewServeMux()
	mux.HandleFunc("/price", func(w http.ResponseWriter, r *http.Request) {
		cents, ok := list.Of(r.FormValue("article"))
		if !ok {
			http.NotFound(w, r)
			return
		}
		answer(w, map[string]int{"cents": cents})
	})
	mux.HandleFunc("/pixel", func(w http.ResponseWriter, r *http.Request) {
		seen.Seen(r.FormValue("visitor"))
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("/owner/visitors", func(w http.ResponseWriter, r *http.Request) {
		answer(w, seen.Top(10))
	})
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) {})
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, r *http.Request) {
		if !ready.Load() {
			http.Error(w, "stopping", http.StatusServiceUnavailable)
		}
	})

	server := &http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT"), Handler: mux}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		if !errors.Is(err, http.ErrServerClosed) {
			slog.Error("cannot serve", "error", err)
			os.Exit(1)
		}
	case <-ctx.Done():
		ready.Store(false)
		end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(end); err != nil {
			slog.Error("requests were cut", "error", err)
			os.Exit(1)
		}
	}
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		slog.Warn("answer not sent", "error", err)
	}
}
