// The struct whose fields a handler sets was put into the context of this one request.
package main

import (
	"context"
	"fmt"
	"net/http"
)

type key struct{}

type info struct{ name string }

func wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), key{}, &info{})
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func handle(w http.ResponseWriter, r *http.Request) {
	i := r.Context().Value(key{}).(*info)
	i.name = r.URL.Path
	fmt.Fprint(w, "done")
}

func main() {
	http.Handle("/", wrap(http.HandlerFunc(handle)))
	_ = http.ListenAndServe("127.0.0.1:8372", nil)
}
