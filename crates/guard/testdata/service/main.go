// Command service dies in every way that guard has to cope with, and writes down which requests it
// has seen.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"
)

var (
	address    = flag.String("addr", "127.0.0.1:"+os.Getenv("PORT"), "where to listen")
	ledger     = flag.String("ledger", "", "file to which the keys of effects are appended")
	delay      = flag.Duration("delay", 0, "how long starting takes")
	goroutines = flag.Int("goroutines", 0, "how many goroutines wait beside")
	stubborn   = flag.Bool("stubborn", false, "ignore SIGTERM")
	h2c        = flag.Bool("h2c", false, "serve HTTP/2 without TLS too")
	broken     = flag.Bool("broken", false, "exit at start")

	clients = map[string]int{}
	mu      sync.Mutex
)

func main() {
	flag.Parse()
	if *broken {
		fmt.Fprintln(os.Stderr, "service: cannot find its database")
		os.Exit(3)
	}
	time.Sleep(*delay)
	for i := 0; i < *goroutines; i++ {
		go func() { select {} }()
	}
	http.HandleFunc("/health", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") })
	http.HandleFunc("/pid", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getpid()) })
	http.HandleFunc("/slow", slow)
	http.HandleFunc("/effect", effect)
	http.HandleFunc("/orders", placeOrder)
	http.HandleFunc("/crash", crash)
	http.HandleFunc("/handler-panic", func(w http.ResponseWriter, r *http.Request) { panic("boom in handler") })
	http.HandleFunc("/echo", echo)
	http.HandleFunc("/headers", headers)
	http.HandleFunc("/events", events)
	http.HandleFunc("/upgrade", upgrade)
	http.HandleFunc("/not-modified", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"1"`)
		w.WriteHeader(http.StatusNotModified)
	})
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", listener.Addr())
	http.HandleFunc("/test.Test/Echo", grpcEcho)
	http.HandleFunc("/test.Test/Wait", grpcWait)
	http.HandleFunc("/test.Test/Begin", grpcBegin)
	http.HandleFunc("/grpc.health.v1.Health/Check", grpcHealth)
	server := &http.Server{}
	if *h2c {
		server.Protocols = new(http.Protocols)
		server.Protocols.SetHTTP1(true)
		server.Protocols.SetUnencryptedHTTP2(true)
	}
	stop := make(chan os.Signal, 1)
	if *stubborn {
		signal.Ignore(syscall.SIGTERM)
	} else {
		signal.Notify(stop, syscall.SIGTERM)
	}
	go func() {
		<-stop
		server.Close()
	}()
	if err := server.Serve(listener); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	fmt.Println("ended well")
}

func slow(w http.ResponseWriter, r *http.Request) {
	ms, _ := strconv.Atoi(r.FormValue("ms"))
	time.Sleep(time.Duration(ms) * time.Millisecond)
	fmt.Fprint(w, "slow ", os.Getpid())
}

// effect writes a key down for good before it answers.
func effect(w http.ResponseWriter, r *http.Request) {
	mu.Lock()
	file, err := os.OpenFile(*ledger, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(file, r.FormValue("key"))
	}
	if err == nil {
		err = file.Sync()
	}
	file.Close()
	mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	slow(w, r)
}

func placeOrder(w http.ResponseWriter, r *http.Request) {
	crash(w, r)
}

func crash(w http.ResponseWriter, r *http.Request) {
	log.Print("about to do something, mode ", r.FormValue("mode"), " trace ", r.Header.Get("Traceparent"))
	switch r.FormValue("mode") {
	case "map":
		mapConflict()
	case "nil":
		go func() {
			var p *int
			*p = 1
		}()
	case "panic":
		go panic("in a goroutine")
	case "trace":
		go panic("while serving " + r.Header.Get("Traceparent"))
	case "unlock":
		var mu sync.Mutex
		mu.Unlock()
	case "overflow":
		debug.SetMaxStack(1 << 20)
		overflow(1)
	case "exit":
		os.Exit(7)
	case "kill":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "memory":
		// It is the program that asks for what it does not get, not the collector, which would die in a way
		// of its own.
		debug.SetGCPercent(-1)
		debug.SetMemoryLimit(math.MaxInt64)
		var all [][]byte
		for {
			block := make([]byte, 16<<20)
			for i := range block {
				block[i] = 1
			}
			all = append(all, block)
			clients[fmt.Sprint(len(all))] = len(all)
		}
	case "lie":
		fmt.Fprintln(os.Stderr, "panic: this is only text")
	}
	time.Sleep(5 * time.Second)
	fmt.Fprint(w, "survived")
}

func mapConflict() {
	for i := 0; i < 8; i++ {
		go func() {
			for {
				clients["a"]++
			}
		}()
	}
}

func overflow(n int) int {
	return overflow(n+1) + 1
}

func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Trailer", "X-Length")
	n, _ := io.Copy(w, r.Body)
	w.Header().Set("X-Length", strconv.FormatInt(n, 10))
}

func headers(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, "host:", r.Host, "proto:", r.Proto)
	r.Header.Write(w)
}

func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for i := 0; i < 3; i++ {
		fmt.Fprintf(w, "data: %d\n\n", i)
		w.(http.Flusher).Flush()
		time.Sleep(50 * time.Millisecond)
	}
}

// grpcEcho sends each message back as it comes.
func grpcEcho(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status")
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	buffer := make([]byte, 4096)
	for {
		n, err := r.Body.Read(buffer)
		if n > 0 {
			w.Write(buffer[:n])
			w.(http.Flusher).Flush()
		}
		if err != nil {
			break
		}
	}
	w.Header().Set("Grpc-Status", "0")
}

func grpcWait(w http.ResponseWriter, r *http.Request) {
	time.Sleep(10 * time.Second)
	grpcEcho(w, r)
}

// grpcBegin sends one message and then nothing more.
func grpcBegin(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Write([]byte{0, 0, 0, 0, 1, 'x'})
	w.(http.Flusher).Flush()
	time.Sleep(10 * time.Second)
}

func grpcHealth(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status")
	w.Write([]byte{0, 0, 0, 0, 2, 8, 1})
	w.Header().Set("Grpc-Status", "0")
}

// upgrade leaves HTTP and sends back each line in capitals.
func upgrade(w http.ResponseWriter, r *http.Request) {
	conn, buffer, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n")
	lines := bufio.NewScanner(buffer)
	for lines.Scan() {
		fmt.Fprintln(conn, lines.Text()+"!")
	}
}
