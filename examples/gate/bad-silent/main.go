// Wrong: the panic is recovered and counted, and nobody is told what it was. The gate must fail it for the
// log.
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
					a.Panics.Add(1)
					http.Error(w, "internal error", http.StatusInternalServerError)
				}
			}()
			next.ServeHTTP(w, r)
		})
	})
}
