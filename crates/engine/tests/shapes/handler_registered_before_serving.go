// The handler is registered before what it reads is set; nothing serves requests yet.
package main

import (
	"net/http"
	"time"
)

func main() {
	state := "starting"
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(state))
	})
	state = "ready"
	time.Sleep(time.Millisecond)
}
