package httpapi

import (
	"net/http"
	"time"

	"unpanic.dev/examples/orders/internal/session"
)

// lastPage remembers where the customer was, for the way back after a login.
func lastPage(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		if values, ok := session.From(r.Context()); ok {
			values["last_page"] = r.URL.Path // want "MAP004"
		}
	})
}

// observed counts and times each request of a route.
func (a *API) observed(route string, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		next(recorder, r)
		a.metrics.Request(route, recorder.status)
		a.metrics.Duration(route, time.Since(started))
	})
}

// limited holds back customers who ask too often.
func (a *API) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.limiter.Allow(r.Header.Get("X-Session")) {
			http.Error(w, "too many requests", http.StatusTooManyRequests)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// statusRecorder remembers the status of a response.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (s *statusRecorder) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}
