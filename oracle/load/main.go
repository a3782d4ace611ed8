// A trivial server for measuring a load generator: two bytes to every request, and every -period it answers
// nothing for -stall. It prints its URL.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	period := flag.Duration("period", 0, "time from one stall to the next")
	stall := flag.Duration("stall", 0, "length of a stall")
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	start := time.Now()
	answer := []byte("ok")
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if *stall > 0 {
			if phase := time.Since(start) % *period; phase < *stall {
				time.Sleep(*stall - phase)
			}
		}
		w.Write(answer)
	})
	fmt.Fprintln(os.Stderr, http.Serve(listener, handler))
}
