// Races: the package map that handlers read and write has no lock.
package main

import (
	"fmt"
	"net/http"
)

var (
	data = map[string]int{}
)

func handle(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		data[r.URL.Path]++ // want "MAP001"
		return
	}
	fmt.Fprint(w, data[r.URL.Path]) // want "MAP001"
}

func main() {
	http.HandleFunc("/", handle)
	_ = http.ListenAndServe("127.0.0.1:8372", nil)
}
