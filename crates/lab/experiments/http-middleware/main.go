// Hazard 4: a map from r.Context().Value is written in place by one middleware while another reads or
// writes it. Requests are served without a network.
package main

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
)

type tagsKey struct{}

func tags(r *http.Request) map[int]int {
	return r.Context().Value(tagsKey{}).(map[int]int)
}

// with gives a request the map that make returns.
func with(make func() map[int]int, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		next(w, r.WithContext(context.WithValue(r.Context(), tagsKey{}, make())))
	}
}

// writeInPlace is a middleware that notes things in the map as it finds it.
func writeInPlace(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < 200; i++ {
			tags(r)[i%5] = i
		}
		next(w, r)
	}
}

func main() {
	session := map[int]int{0: 1}
	shared := func() map[int]int { return session }
	own := func() map[int]int { return map[int]int{0: 1} }
	read := func(w http.ResponseWriter, r *http.Request) {
		sum := 0
		for i := 0; i < 200; i++ {
			sum += tags(r)[i%5]
		}
	}
	switch os.Args[1] {
	case "per-request":
		serve(with(own, writeInPlace(read)))
	case "session":
		serve(with(shared, writeInPlace(read)))
	case "copy-and-in-place":
		// This middleware is careful and copies. The next one is not.
		careful := func(w http.ResponseWriter, r *http.Request) {
			mine := maps.Clone(tags(r))
			mine[1] = 1
			writeInPlace(read)(w, r)
		}
		serve(with(shared, careful))
	case "fixed":
		// Each request gets a copy at the door; what happens after that is its own business.
		serve(with(func() map[int]int { return maps.Clone(session) }, writeInPlace(read)))
	}
}

// serve has two clients send requests at the same time.
func serve(handler http.HandlerFunc) {
	start := make(chan struct{})
	var clients sync.WaitGroup
	for c := 0; c < 2; c++ {
		clients.Add(1)
		go func() {
			defer clients.Done()
			<-start
			for i := 0; i < 200; i++ {
				r := httptest.NewRequest(http.MethodGet, "/cart", nil)
				handler(httptest.NewRecorder(), r)
			}
		}()
	}
	close(start)
	clients.Wait()
}
