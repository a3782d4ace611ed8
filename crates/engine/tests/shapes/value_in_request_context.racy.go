// Races: one object, made with the middleware, is put into the context of every request.
package main

import (
	"context"
	"fmt"
	"net/http"
)

type key struct{}

type record struct{ fields map[string]string }

func get(r *http.Request) *record {
	if rec, ok := r.Context().Value(key{}).(*record); ok {
		return rec
	}
	return nil
}

func recorded(next http.Handler) http.Handler {
	rec := &record{fields: map[string]string{}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, rec)))
	})
}

func handle(w http.ResponseWriter, r *http.Request) {
	if rec := get(r); rec != nil {
		rec.fields["path"] = r.URL.Path // want "MAP004"
		fmt.Fprint(w, "done")
	}
}

func main() {
	http.Handle("/", recorded(http.HandlerFunc(handle)))
	_ = http.ListenAndServe("127.0.0.1:8372", nil)
}
