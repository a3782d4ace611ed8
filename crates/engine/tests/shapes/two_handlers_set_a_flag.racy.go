// Races: two handlers set a plain flag.
package main

import (
	"net/http"
)

type ingester struct{ terminate bool }

func (i *ingester) prepare(w http.ResponseWriter, r *http.Request) {
	i.terminate = true // want "RACE001"
	w.WriteHeader(http.StatusNoContent)
}

func (i *ingester) cancel(w http.ResponseWriter, r *http.Request) {
	i.terminate = false // want "RACE001"
	w.WriteHeader(http.StatusNoContent)
}

func main() {
	i := &ingester{}
	http.HandleFunc("/prepare", i.prepare)
	http.HandleFunc("/cancel", i.cancel)
	_ = http.ListenAndServe("127.0.0.1:8372", nil)
}
