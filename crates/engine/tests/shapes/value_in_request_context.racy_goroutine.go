// Races: the request starts a goroutine that gets the object of the request and writes it too.
package main

import (
	"context"
	"fmt"
	"net/http"
)

type key struct{}

type record struct{ path string }

func recorded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &record{}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, rec)))
	})
}

func handle(w http.ResponseWriter, r *http.Request) {
	rec, _ := r.Context().Value(key{}).(*record)
	if rec == nil {
		return
	}
	go func() {
		rec.path = "mirror" // want "RACE001"
	}()
	rec.path = r.URL.Path // want "RACE001"
	fmt.Fprint(w, "done")
}

func main() {
	http.Handle("/", recorded(http.HandlerFunc(handle)))
	_ = http.ListenAndServe("127.0.0.1:8372", nil)
}
