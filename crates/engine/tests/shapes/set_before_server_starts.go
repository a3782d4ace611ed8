// The global is set while nil, and main sets it before it starts the server whose handlers might.
package main

import (
	"fmt"
	"net/http"
)

type target struct{ name string }

var console *target

func set(t *target) {
	if console == nil {
		console = t
	}
}

func handle(w http.ResponseWriter, r *http.Request) {
	set(&target{"handler"})
	fmt.Fprint(w, console.name)
}

func main() {
	set(&target{"main"})
	http.HandleFunc("/", handle)
	_ = http.ListenAndServe("127.0.0.1:8372", nil)
}
