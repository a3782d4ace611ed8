// Wrong: the panic is counted where it is recovered and again where it is reported. The gate must fail it for
// the metric.
package main

import (
	"net/http"
	"runtime/debug"

	"unpanic.dev/examples/gate/internal/app"
)

func main() {
	a := app.New()
	a.Serve(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if v := recover(); v != nil {
					a.Panics.Add(1)
					a.Log.Error("panic_recovered", "panic", v, "stack", string(debug.Stack()),
						"goroutine_id", app.GoroutineID(), "trace_id", app.TraceID(r), "route", r.URL.Path)
					report(a)
					http.Error(w, "internal error", http.StatusInternalServerError)
				}
			}()
			next.ServeHTTP(w, r)
		})
	})
}

func report(a *app.App) {
	// The counter belongs to whoever recovers; this one was forgotten here.
	a.Panics.Add(1)
}
