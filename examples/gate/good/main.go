// The good candidate: a panic of a handler is answered with 500, logged with stack, goroutine, trace id and
// route, and counted once.
package main

import (
	"net/http"

	"unpanic.dev/examples/gate/internal/app"
)

func main() {
	a := app.New()
	a.Serve(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if v := recover(); v != nil {
					a.Recovered(v, app.TraceID(r), r.URL.Path)
					http.Error(w, "internal error", http.StatusInternalServerError)
				}
			}()
			next.ServeHTTP(w, r)
		})
	})
}
