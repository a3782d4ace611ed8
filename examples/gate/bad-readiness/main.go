// Wrong: after a panic every request fails for three seconds, and readiness goes on to say that the service is
// ready. The gate must fail it for readiness.
package main

import (
	"errors"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	"unpanic.dev/examples/gate/internal/app"
)

func main() {
	a := app.New()
	var broken atomic.Int64
	work := a.Work
	a.Work = func() error {
		if time.Now().UnixNano() < broken.Load() {
			return errors.New("reconnecting")
		}
		return work()
	}
	a.Serve(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if v := recover(); v != nil {
					a.Panics.Add(1)
					a.Log.Error("panic_recovered", "panic", v, "stack", string(debug.Stack()),
						"goroutine_id", app.GoroutineID(), "trace_id", app.TraceID(r), "route", r.URL.Path)
					broken.Store(time.Now().Add(3 * time.Second).UnixNano())
					http.Error(w, "internal error", http.StatusInternalServerError)
				}
			}()
			next.ServeHTTP(w, r)
		})
	})
}
