// Races: the goroutine serves already when the global is assigned.
package main

import (
	"fmt"
	"net/http"
	"time"
)

var pools []string

func status() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, len(pools)) // want "RACE001"
	})
	_ = http.ListenAndServe("127.0.0.1:8372", nil)
}

func main() {
	done := make(chan bool)
	go func() {
		status()
		close(done)
	}()
	time.Sleep(time.Second / 2)
	pools = []string{"a", "b"} // want "RACE001"
	<-done
}
