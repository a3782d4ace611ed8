// A trivial server for measuring a load generator: two bytes to every request, and every -period it answers
// nothing for -stall. It prints its URL, and at the end of its input how long its stalls were in truth, in ns: by how
// late its sleepers woke, they are longer.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
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
	// Of the requests that were held: how many, and how far into their period they went on, in sum.
	var held, woken atomic.Int64
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if *stall > 0 {
			since := time.Since(start)
			if phase := since % *period; phase < *stall {
				time.Sleep(*stall - phase)
				held.Add(1)
				woken.Add(int64(time.Since(start) - (since - phase)))
			}
		}
		w.Write(answer)
	})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		fmt.Printf("%d\n", woken.Load()/max(held.Load(), 1))
		os.Exit(0)
	}()
	fmt.Fprintln(os.Stderr, http.Serve(listener, handler))
}
