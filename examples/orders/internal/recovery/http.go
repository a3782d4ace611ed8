package recovery

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/pprof"
)

// HTTP puts a recover around next. A request whose handler panics is answered with 500 if nothing
// was written yet; else its connection is cut, so that the client does not take half a response for
// a whole one. http.ErrAbortHandler is passed on, as net/http expects it.
//
// RouteOf names the route of a request for logs, metrics and profiles; see MuxRoute. If it is nil or
// has no name, logs and metrics take the pattern that a ServeMux below matched.
func (r *Recoverer) HTTP(next http.Handler, routeOf func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ctx := withTraceparent(req.Context(), req.Header.Get("traceparent"))
		req = req.WithContext(ctx)
		route := ""
		if routeOf != nil {
			route = routeOf(req)
		}
		response := &responseWriter{ResponseWriter: w}
		defer func() {
			value := recover()
			if value == nil {
				return
			}
			if value == http.ErrAbortHandler {
				panic(value)
			}
			if route == "" {
				route = req.Pattern
			}
			p := r.report(ctx, BoundaryHTTP, route, value,
				slog.String("method", req.Method), slog.String("path", req.URL.Path))
			if response.started {
				panic(http.ErrAbortHandler)
			}
			WriteError(w, p)
		}()
		pprof.Do(ctx, r.labels(ctx, route), func(ctx context.Context) {
			req = req.WithContext(ctx)
			next.ServeHTTP(response, req)
		})
	})
}

// MuxRoute names requests by the pattern of mux that matches them.
func MuxRoute(mux *http.ServeMux) func(*http.Request) string {
	return func(req *http.Request) string {
		_, pattern := mux.Handler(req)
		return pattern
	}
}

// responseWriter knows whether a response has been started.
type responseWriter struct {
	http.ResponseWriter
	started bool
}

// WriteHeader starts the response unless the status is an informational one, which others follow.
func (w *responseWriter) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.started = true
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *responseWriter) Write(data []byte) (int, error) {
	w.started = true
	return w.ResponseWriter.Write(data)
}

// ReadFrom lets io.Copy use sendfile where the server can.
func (w *responseWriter) ReadFrom(src io.Reader) (int64, error) {
	w.started = true
	return io.Copy(w.ResponseWriter, src)
}

// Flush is here for handlers that ask for an http.Flusher.
func (w *responseWriter) Flush() {
	_ = w.FlushError()
}

// FlushError is here for http.ResponseController.
func (w *responseWriter) FlushError() error {
	w.started = true
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack is here for handlers that ask for an http.Hijacker.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.started = true
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Unwrap is here for http.ResponseController.
func (w *responseWriter) Unwrap() http.ResponseWriter {
	return w.ResponseWriter
}
