// Wrong: after a panic the state is rebuilt under the lock that the health check takes: for two seconds nobody
// knows whether the service lives. The gate must fail it for recovery.
package main

import (
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"unpanic.dev/examples/gate/internal/app"
)

func main() {
	a := app.New()
	var state sync.Mutex
	var rebuilding atomic.Bool
	a.Healthy = func() bool {
		state.Lock()
		defer state.Unlock()
		return true
	}
	a.Serve(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if v := recover(); v != nil {
					a.Panics.Add(1)
					a.Log.Error("panic_recovered", "panic", v, "stack", string(debug.Stack()),
						"goroutine_id", app.GoroutineID(), "trace_id", app.TraceID(r), "route", r.URL.Path)
					if rebuilding.CompareAndSwap(false, true) {
						go func() {
							defer rebuilding.Store(false)
							state.Lock()
							defer state.Unlock()
							time.Sleep(2 * time.Second)
						}()
					}
					http.Error(w, "internal error", http.StatusInternalServerError)
				}
			}()
			next.ServeHTTP(w, r)
		})
	})
}
