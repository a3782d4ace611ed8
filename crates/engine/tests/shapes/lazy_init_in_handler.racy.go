// Races: handlers make the field when they find it nil, with nothing between them.
package main

import (
	"fmt"
	"net/http"
	"sync"
)

type resolver struct {
	cache *sync.Map
}

func (h *resolver) lookup(name string) any {
	if h.cache == nil { // want "RACE001"
		h.cache = &sync.Map{} // want "RACE001"
	}
	return name
}

func main() {
	h := &resolver{}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, h.lookup(r.URL.Path))
	})
	_ = http.ListenAndServe("127.0.0.1:8372", nil)
}
