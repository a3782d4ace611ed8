// Wrong: each panic is handed to a reporter that nobody runs, by a goroutine that waits for it for ever. The
// gate must fail it for goroutines.
package main

import (
	"net/http"
	"runtime/debug"

	"unpanic.dev/examples/gate/internal/app"
)

func main() {
	a := app.New()
	reports := make(chan any)
	a.Serve(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if v := recover(); v != nil {
					a.Panics.Add(1)
					a.Log.Error("panic_recovered", "panic", v, "stack", string(debug.Stack()),
						"goroutine_id", app.GoroutineID(), "trace_id", app.TraceID(r), "route", r.URL.Path)
					go func() { reports <- v }()
					http.Error(w, "internal error", http.StatusInternalServerError)
				}
			}()
			next.ServeHTTP(w, r)
		})
	})
}
