// Wrong: nothing recovers a panic of a handler. net/http keeps the process alive and cuts the connection, so
// the client has no answer. The gate must fail it for recovery.
package main

import (
	"net/http"

	"unpanic.dev/examples/gate/internal/app"
)

func main() {
	app.New().Serve(func(next http.Handler) http.Handler { return next })
}
