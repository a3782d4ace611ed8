// Both handlers set the flag with an atomic store.
package main

import (
	"net/http"
	"sync/atomic"
)

type ingester struct{ terminate atomic.Bool }

func (i *ingester) prepare(w http.ResponseWriter, r *http.Request) {
	i.terminate.Store(true)
	w.WriteHeader(http.StatusNoContent)
}

func (i *ingester) cancel(w http.ResponseWriter, r *http.Request) {
	i.terminate.Store(false)
	w.WriteHeader(http.StatusNoContent)
}

func main() {
	i := &ingester{}
	http.HandleFunc("/prepare", i.prepare)
	http.HandleFunc("/cancel", i.cancel)
	_ = http.ListenAndServe("127.0.0.1:8372", nil)
}
