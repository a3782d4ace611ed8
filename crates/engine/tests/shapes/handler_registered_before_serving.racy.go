// Races: requests are served before what the handler reads is set.
package main

import (
	"net/http"
	"time"
)

func main() {
	state := "starting"
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(state)) // want "RACE001"
	})
	go http.ListenAndServe("localhost:0", mux)
	state = "ready" // want "RACE001"
	time.Sleep(time.Millisecond)
}
