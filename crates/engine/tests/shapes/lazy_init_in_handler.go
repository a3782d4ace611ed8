// The lazily made field is made under a Once.
package main

import (
	"fmt"
	"net/http"
	"sync"
)

type resolver struct {
	once  sync.Once
	cache *sync.Map
}

func (h *resolver) lookup(name string) any {
	h.once.Do(func() { h.cache = &sync.Map{} })
	v, _ := h.cache.LoadOrStore(name, 1)
	return v
}

func main() {
	h := &resolver{}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, h.lookup(r.URL.Path))
	})
	_ = http.ListenAndServe("127.0.0.1:8372", nil)
}
