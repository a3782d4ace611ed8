// Wrong: all requests go through one lock, 25 ms each: 40 a second, where 100 are asked for. The gate must fail
// it for the SLO.
package main

import (
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"unpanic.dev/examples/gate/internal/app"
)

func main() {
	a := app.New()
	var one sync.Mutex
	a.Work = func() error {
		one.Lock()
		defer one.Unlock()
		time.Sleep(25 * time.Millisecond)
		return nil
	}
	a.Serve(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if v := recover(); v != nil {
					a.Panics.Add(1)
					a.Log.Error("panic_recovered", "panic", v, "stack", string(debug.Stack()),
						"goroutine_id", app.GoroutineID(), "trace_id", app.TraceID(r), "route", r.URL.Path)
					http.Error(w, "internal error", http.StatusInternalServerError)
				}
			}()
			next.ServeHTTP(w, r)
		})
	})
}
