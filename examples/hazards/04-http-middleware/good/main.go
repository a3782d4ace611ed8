// Command shop serves carts. A customer's session lives as long as the cookie that names it.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

type sessionKey struct{}

// session is the data of one customer.
type session struct {
	mu   sync.Mutex
	data map[string]any
}

func (s *session) set(key string, value any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data[key] = value
}

func (s *session) get(key string) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data[key]
}

// sessions are the data of every customer who is logged in.
type sessions struct {
	mu     sync.Mutex
	byName map[string]*session
}

// get is one session; it is made on first use.
func (s *sessions) get(name string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.byName[name]
	if !ok {
		one = &session{data: make(map[string]any)}
		s.byName[name] = one
	}
	return one
}

// withSession puts the session of the request's cookie into its context.
func (s *sessions) withSession(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie("session")
		if err != nil {
			http.Error(w, "no session", http.StatusUnauthorized)
			return
		}
		ctx := context.WithValue(r.Context(), sessionKey{}, s.get(cookie.Value))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// lastSeen notes when the customer was here.
func lastSeen(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if one, ok := r.Context().Value(sessionKey{}).(*session); ok {
			one.set("last_seen", time.Now())
		}
		next.ServeHTTP(w, r)
	})
}

func cart(w http.ResponseWriter, r *http.Request) {
	one, ok := r.Context().Value(sessionKey{}).(*session)
	if !ok {
		http.Error(w, "no session", http.StatusUnauthorized)
		return
	}
	fmt.Fprintf(w, "cart of a customer last seen at %v\n", one.get("last_seen"))
}

func routes() http.Handler {
	s := &sessions{byName: make(map[string]*session)}
	mux := http.NewServeMux()
	mux.Handle("GET /cart", s.withSession(lastSeen(http.HandlerFunc(cart))))
	return mux
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: routes()}
	go func() {
		if err := server.Serve(listener); err != http.ErrServerClosed {
			log.Print(err)
		}
	}()
	ok := smoke("http://" + listener.Addr().String())
	if err := server.Close(); err != nil {
		log.Print(err)
	}
	fmt.Println("requests served:", ok)
}

// smoke asks for the cart over several connections and says how many requests were answered.
func smoke(base string) int64 {
	var ok atomic.Int64
	var clients sync.WaitGroup
	for c := 0; c < 8; c++ {
		clients.Add(1)
		go func() {
			defer clients.Done()
			for i := 0; i < 25; i++ {
				request, err := http.NewRequest(http.MethodGet, base+"/cart", nil)
				if err != nil {
					log.Print(err)
					return
				}
				request.AddCookie(&http.Cookie{Name: "session", Value: "customer-7"})
				response, err := http.DefaultClient.Do(request)
				if err != nil {
					log.Print(err)
					continue
				}
				response.Body.Close()
				if response.StatusCode == http.StatusOK {
					ok.Add(1)
				}
			}
		}()
	}
	clients.Wait()
	return ok.Load()
}
