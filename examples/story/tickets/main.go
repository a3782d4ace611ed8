// Tickets stands for the system that tickets are filed in: it takes one webhook and prints what came.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	address := flag.String("listen", "127.0.0.1:0", "where to listen")
	wait := flag.Duration("wait", time.Minute, "how long to wait for a ticket")
	flag.Parse()
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	came := make(chan string, 1)
	go func() {
		log.Fatal(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
			var ticket struct{ Event, Markdown string }
			if err == nil {
				err = json.Unmarshal(body, &ticket)
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			select {
			case came <- ticket.Markdown:
			default: // One is printed.
			}
		})))
	}()
	select {
	case ticket := <-came:
		fmt.Println(ticket)
	case <-time.After(*wait):
		fmt.Fprintln(os.Stderr, "no ticket came within", *wait)
		os.Exit(1)
	}
}
