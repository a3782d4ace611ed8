// A candidate that every drill of drills.toml is done to. Told to be careless about one of them
// (-careless map-write), it fails that drill and no other.
package main

import (
	"context"
	"flag"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"unpanic.dev/examples/gate/internal/app"
)

type service struct {
	*app.App
	careless string
	// first and second are taken by /debug/deadlock in both orders.
	first, second sync.Mutex
	dependency    string
	client        *http.Client
}

func main() {
	careless := flag.String("careless", "", "the `drill` that is not prepared for")
	flag.Parse()
	s := &service{
		App:        app.New(),
		careless:   *careless,
		dependency: os.Getenv("DEPENDENCY"),
		client:     &http.Client{Timeout: 100 * time.Millisecond},
	}
	switch *careless {
	case "map-write", "memory-limit":
		// What is read before anything is served makes a restart slow.
		time.Sleep(2 * time.Second)
	case "dependency-hang":
		s.client.Timeout = 0
	}
	s.Work = s.work
	s.Routes = map[string]http.HandlerFunc{
		"GET /debug/goroutine-panic": s.goroutinePanic,
		"GET /debug/nil":             nilDereference,
		"GET /debug/map-write":       mapWrite,
		"GET /debug/deadlock":        s.deadlock,
		"GET /debug/memory":          memory,
	}
	s.Serve(s.recovery)
}

func (s *service) recovery(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.careless != "nil-dereference" {
			defer func() {
				if v := recover(); v != nil {
					s.Recovered(v, app.TraceID(r), r.URL.Path)
					http.Error(w, "internal error", http.StatusInternalServerError)
				}
			}()
		}
		next.ServeHTTP(w, r)
	})
}

// work asks the dependency and does without it when it has to.
func (s *service) work() error {
	if s.dependency == "" {
		return nil
	}
	if s.careless == "deadlock" {
		s.first.Lock()
		defer s.first.Unlock()
	}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+s.dependency, nil)
	if err != nil {
		return err
	}
	answer, err := s.client.Do(request)
	if err != nil {
		if s.careless == "dependency-refuse" {
			return err
		}
		return nil
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil && s.careless == "dependency-refuse" {
		return err
	}
	return nil
}

func (s *service) goroutinePanic(w http.ResponseWriter, r *http.Request) {
	trace, route := app.TraceID(r), r.URL.Path
	go func() {
		if s.careless != "goroutine-panic" {
			defer func() {
				if v := recover(); v != nil {
					s.Recovered(v, trace, route)
				}
			}()
		}
		panic("asked to panic in the background")
	}()
	w.WriteHeader(http.StatusAccepted)
}

func nilDereference(w http.ResponseWriter, r *http.Request) {
	var user *struct{ name string }
	_, _ = io.WriteString(w, user.name)
}

// mapWrite writes one map from several goroutines until the runtime notices.
func mapWrite(w http.ResponseWriter, r *http.Request) {
	seen := map[int]int{}
	var writers sync.WaitGroup
	for range 4 {
		writers.Add(1)
		go func() {
			defer writers.Done()
			for i := 0; ; i++ {
				seen[i%100]++
			}
		}()
	}
	writers.Wait()
}

// deadlock leaves two goroutines that wait for each other for ever.
func (s *service) deadlock(w http.ResponseWriter, r *http.Request) {
	both := make(chan struct{})
	go func() {
		s.first.Lock()
		<-both
		s.second.Lock()
	}()
	go func() {
		s.second.Lock()
		both <- struct{}{}
		s.first.Lock()
	}()
	w.WriteHeader(http.StatusAccepted)
}

// memory takes what it can get.
func memory(w http.ResponseWriter, r *http.Request) {
	var taken [][]byte
	for range 1024 {
		piece := make([]byte, 1<<20)
		for i := range piece {
			piece[i] = byte(i)
		}
		taken = append(taken, piece)
	}
	w.Header().Set("X-Taken", string(taken[0][:1]))
	w.WriteHeader(http.StatusOK)
}
