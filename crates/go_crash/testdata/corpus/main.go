// Command corpus dies, or reports, in the way that its argument names.
package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"example.com/corpus/store"
)

type codeError struct{ code int }

func (e codeError) Error() string { return fmt.Sprintf("code %d\nsecond line", e.code) }

type text string
type number float64
type point struct{ x, y int }

// badError panics when it is printed.
type badError struct{}

func (badError) Error() string { panic("no text") }

const forged = "first line\n\ngoroutine 4242 [running]:\nmain.forged(0x1)\n\t/forged/forged.go:1 +0x1\n\n" +
	"goroutine 4343 [select]:\nmain.forged2()\n\t/forged/forged.go:2 +0x2"

var scenarios = map[string]func(){
	"string":        func() { panic("a plain text") },
	"error":         func() { panic(errors.New("an error")) },
	"wrapped":       func() { panic(fmt.Errorf("outer: %w", os.ErrNotExist)) },
	"custom-error":  func() { panic(codeError{7}) },
	"custom-string": func() { panic(text("some text\nmore")) },
	"custom-number": func() { panic(number(1.5)) },
	"struct":        func() { panic(point{1, 2}) },
	"pointer":       func() { panic(&point{1, 2}) },
	"nil":           func() { panic(nil) },
	"bad-error":     func() { panic(badError{}) },
	"multi-line":    func() { panic("one\ntwo\n\nthree") },
	"forged":        func() { background(); panic(forged) },
	"nested": func() {
		defer func() { panic("second") }()
		panic("first")
	},
	"repanic": func() {
		defer func() { panic(recover()) }()
		panic("same value")
	},
	"recovered-other": func() {
		defer func() { panic(fmt.Sprint("wrapped: ", recover())) }()
		panic("inner")
	},
	"nil-map": func() {
		var m map[string]int
		m["a"]++
	},
	"nil-pointer": func() {
		var p *point
		fmt.Println(p.x)
	},
	"index": func() {
		s := make([]int, len(os.Args))
		fmt.Println(s[len(os.Args)+5])
	},
	"slice":  func() { fmt.Println(os.Args[5:len(os.Args)]) },
	"divide": func() { fmt.Println(1 / (len(os.Args) - 2)) },
	"assert": func() {
		var v any = "text"
		fmt.Println(v.(int))
	},
	"closed-channel": func() {
		c := make(chan int)
		close(c)
		c <- 1
	},
	"fault": func() {
		address := uintptr(0x7f0000001000)
		p := *(**int)(unsafe.Pointer(&address))
		fmt.Println(*p)
	},
	"goexit-main": func() { go func() {}(); runtime.Goexit() },
	"deadlock":    func() { background(); <-make(chan int) },
	"deadlock-mutex": func() {
		var mu sync.Mutex
		mu.Lock()
		mu.Lock()
	},
	"all-asleep": func() { select {} },
	"map-writes": func() { mapConflict(func(s *store.Store[string, int]) { s.PutBare("a", 1) }) },
	"map-read-write": func() {
		mapConflict(func(s *store.Store[string, int]) {
			s.PutBare("a", 1)
			for i := 0; i < 100; i++ {
				_ = s.Entries["a"]
			}
		})
	},
	"map-iteration": func() {
		mapConflict(func(s *store.Store[string, int]) {
			s.PutBare("a", 1)
			for range s.Entries {
			}
		})
	},
	"fatal-in-defer": func() {
		defer func() { new(sync.Mutex).Unlock() }()
		panic("before the fatal error")
	},
	"stack-overflow":   func() { debug.SetMaxStack(1 << 16); overflow(0) },
	"deep":             func() { deep(300) },
	"unlock":           func() { new(sync.Mutex).Unlock() },
	"runlock":          func() { new(sync.RWMutex).RUnlock() },
	"negative-group":   func() { new(sync.WaitGroup).Add(-1) },
	"out-of-memory":    func() { keep = make([]byte, uint64(len(os.Args))<<44) },
	"quit":             func() { background(); signal(syscall.SIGQUIT) },
	"abort":            func() { background(); signal(syscall.SIGABRT) },
	"goroutine":        func() { background(); go store.New[int, text]().Each(nil); go inGoroutine(); select {} },
	"locked-thread":    func() { go func() { runtime.LockOSThread(); select {} }(); settle(); panic("locked") },
	"many":             func() { many(); panic("many goroutines") },
	"waiting-on-mutex": func() { waitingOnMutex(); panic("a mutex is held") },
	"labels":           func() { labels(); panic("with labels") },
	"serve-http":       serveHTTP,
	"stack":            func() { background(); os.Stderr.Write(debug.Stack()) },
	"all-stacks":       func() { background(); allStacks() },
	"race":             race,
	"map-race":         mapRace,
}

var keep []byte

func main() {
	if len(os.Args) < 2 {
		fmt.Println(strings.Join(names(), "\n"))
		return
	}
	run, ok := scenarios[os.Args[1]]
	if !ok {
		fmt.Fprintln(os.Stderr, "no such scenario")
		os.Exit(3)
	}
	run()
}

func names() []string {
	var names []string
	for name := range scenarios {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// background starts one goroutine for each way of waiting.
func background() {
	var mu sync.Mutex
	mu.Lock()
	var rw sync.RWMutex
	rw.Lock()
	cond := sync.NewCond(&sync.Mutex{})
	var group sync.WaitGroup
	group.Add(1)
	c := make(chan int)
	var none chan int
	go func() { mu.Lock() }()
	go func() { rw.RLock() }()
	go func() { rw.Lock() }()
	go func() { cond.L.Lock(); cond.Wait() }()
	go group.Wait()
	go func() { <-c }()
	go func() { c2 := make(chan int); c2 <- 1 }()
	go func() { <-none }()
	go func() { none <- 1 }()
	go func() {
		select {
		case <-c:
		case none <- 1:
		}
	}()
	go func() { select {} }()
	go func() { deepWait(120, c) }()
	settle()
}

func settle() {
	for i := 0; i < 100; i++ {
		runtime.Gosched()
	}
	time.Sleep(20 * time.Millisecond)
}

func many() {
	s := store.New[string, point]()
	s.Mu.Lock()
	for i := 0; i < 400; i++ {
		go s.Put("k", point{i, i})
		go time.Sleep(time.Duration(i+1000) * time.Second)
	}
	for i := 0; i < 4; i++ {
		go spin()
	}
	settle()
}

func spin() {
	for i := 0; ; i++ {
		sink = i
	}
}

var sink int

func waitingOnMutex() {
	s := store.New[string, int]()
	s.Entries["a"] = 1
	go s.Each(func(string, int) { time.Sleep(time.Hour) })
	settle()
	for i := 0; i < 5; i++ {
		go s.Put("b", i)
	}
	settle()
}

func mapConflict(f func(*store.Store[string, int])) {
	s := store.New[string, int]()
	for i := 0; i < 8; i++ {
		go func() {
			for {
				f(s)
			}
		}()
	}
	time.Sleep(10 * time.Second)
}

//go:noinline
func overflow(n int) int { return overflow(n+1) + 1 }

//go:noinline
func deep(n int) {
	if n == 0 {
		panic("deep down")
	}
	deep(n - 1)
}

//go:noinline
func deepWait(n int, c chan int) {
	if n == 0 {
		<-c
	}
	deepWait(n-1, c)
}

func inGoroutine() {
	settle()
	func() {
		panic(fmt.Sprintf("%s in a goroutine", "panic"))
	}()
}

func signal(s syscall.Signal) {
	if err := syscall.Kill(os.Getpid(), s); err != nil {
		panic(err)
	}
	time.Sleep(2 * time.Second)
}

func serveHTTP() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/text", func(http.ResponseWriter, *http.Request) { panic("in a handler") })
	mux.HandleFunc("/forged", func(http.ResponseWriter, *http.Request) { panic(forged) })
	mux.HandleFunc("/nil", func(http.ResponseWriter, *http.Request) { var p *point; p.x++ })
	go http.Serve(listener, mux)
	for _, path := range []string{"text", "forged", "nil"} {
		if answer, err := http.Get("http://" + listener.Addr().String() + "/" + path); err == nil {
			answer.Body.Close()
		}
	}
	settle()
}

func allStacks() {
	buffer := make([]byte, 1<<20)
	os.Stderr.Write(buffer[:runtime.Stack(buffer, true)])
}

func race() {
	var n int
	var group sync.WaitGroup
	for i := 0; i < 2; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for j := 0; j < 1000; j++ {
				n++
			}
		}()
	}
	n++
	group.Wait()
	keep = make([]byte, n&1)
}

func mapRace() {
	s := store.New[string, int]()
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		defer group.Done()
		s.PutBare("a", 1)
	}()
	_ = s.Entries["a"]
	group.Wait()
}
