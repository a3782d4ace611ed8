// Races: nobody sets the global before the handlers do.
package main

import (
	"fmt"
	"net/http"
)

type target struct{ name string }

var console *target

func set(t *target) {
	if console == nil { // want "RACE001"
		console = t // want "RACE001"
	}
}

func handle(w http.ResponseWriter, r *http.Request) {
	set(&target{"handler"})
	fmt.Fprint(w, "done")
}

func main() {
	http.HandleFunc("/", handle)
	_ = http.ListenAndServe("127.0.0.1:8372", nil)
}
