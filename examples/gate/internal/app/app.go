// Package app is a small service that every candidate of this example is made of. A candidate says how
// panics of handlers are recovered; everything else is the same.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// App is what handlers share.
type App struct {
	// Panics counts recovered panics.
	Panics atomic.Int64
	// Log writes JSON lines to standard error.
	Log *slog.Logger
	// Healthy is asked by the health check.
	Healthy func() bool
	// Work does what a request to /work asks for; nil means success.
	Work func() error
	// Routes are more of them, behind the recovery too.
	Routes map[string]http.HandlerFunc

	ready atomic.Bool
}

// New returns a service that works as it should.
func New() *App {
	a := &App{
		Log:     slog.New(slog.NewJSONHandler(os.Stderr, nil)),
		Healthy: func() bool { return true },
		Work: func() error {
			time.Sleep(2 * time.Millisecond)
			return nil
		},
	}
	a.ready.Store(true)
	return a
}

// Serve answers requests at $ADDR until SIGTERM, then lets those in flight end.
func (a *App) Serve(recovery func(http.Handler) http.Handler) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /work", func(w http.ResponseWriter, r *http.Request) {
		if err := a.Work(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, "done")
	})
	mux.HandleFunc("GET /debug/panic", func(w http.ResponseWriter, r *http.Request) {
		panic("asked to panic")
	})
	for pattern, handler := range a.Routes {
		mux.HandleFunc(pattern, handler)
	}
	outer := http.NewServeMux()
	outer.Handle("/", recovery(mux))
	outer.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		status(w, a.Healthy())
	})
	outer.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		status(w, a.ready.Load())
	})
	outer.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "# TYPE go_goroutines gauge\ngo_goroutines %d\n", runtime.NumGoroutine())
		fmt.Fprintf(w, "# TYPE go_panic_total counter\ngo_panic_total{kind=\"handler\"} %d\n", a.Panics.Load())
	})

	server := &http.Server{Addr: os.Getenv("ADDR"), Handler: outer}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	go func() {
		<-ctx.Done()
		a.ready.Store(false)
	}()
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		if !errors.Is(err, http.ErrServerClosed) {
			a.Log.Error("cannot serve", "error", err)
			os.Exit(1)
		}
	case <-ctx.Done():
		end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(end); err != nil {
			a.Log.Error("requests were cut", "error", err)
			os.Exit(1)
		}
	}
}

func status(w http.ResponseWriter, good bool) {
	if !good {
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// TraceID is that of the traceparent header (W3C Trace Context, section 3.2).
func TraceID(r *http.Request) string {
	parts := strings.Split(r.Header.Get("traceparent"), "-")
	if len(parts) < 4 {
		return ""
	}
	return parts[1]
}

// Recovered counts and logs a panic: call it with what recover gave, in the deferred function.
func (a *App) Recovered(v any, traceID, route string) {
	a.Panics.Add(1)
	a.Log.Error("panic_recovered", "panic", v, "stack", string(debug.Stack()),
		"goroutine_id", GoroutineID(), "trace_id", traceID, "route", route)
}

// GoroutineID is that of the caller, from the first line of its stack.
func GoroutineID() string {
	var buffer [64]byte
	fields := strings.Fields(string(buffer[:runtime.Stack(buffer[:], false)]))
	if len(fields) < 2 {
		return ""
	}
	return fields[1]
}
