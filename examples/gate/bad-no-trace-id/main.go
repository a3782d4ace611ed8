// Wrong: the log line has no trace id, so it cannot be joined with the request. The gate must fail it for the
// log.
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
						"goroutine_id", app.GoroutineID(), "route", r.URL.Path)
					http.Error(w, "internal error", http.StatusInternalServerError)
				}
			}()
			next.ServeHTTP(w, r)
		})
	})
}
