// The global is assigned before the goroutine that serves it is started.
package main

import (
	"fmt"
	"net/http"
)

var pools []string

func status() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, len(pools))
	})
	_ = http.ListenAndServe("127.0.0.1:8372", nil)
}

func main() {
	pools = []string{"a", "b"}
	done := make(chan bool)
	go func() {
		status()
		close(done)
	}()
	<-done
}
