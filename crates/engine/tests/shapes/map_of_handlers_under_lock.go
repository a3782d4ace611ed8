// The package map that handlers read and write has a lock that each takes.
package main

import (
	"fmt"
	"net/http"
	"sync"
)

var (
	mu   sync.Mutex
	data = map[string]int{}
)

func handle(w http.ResponseWriter, r *http.Request) {
	mu.Lock()
	defer mu.Unlock()
	if r.Method == http.MethodPost {
		data[r.URL.Path]++
		return
	}
	fmt.Fprint(w, data[r.URL.Path])
}

func main() {
	http.HandleFunc("/", handle)
	_ = http.ListenAndServe("127.0.0.1:8372", nil)
}
