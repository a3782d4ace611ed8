// Package session remembers customers between requests.
package session

import (
	"context"
	"net/http"
	"sync"
)

// Values is what is remembered of one customer.
type Values map[string]string

// Store holds the values of every session.
type Store struct {
	mu       sync.Mutex
	sessions map[string]Values
}

// NewStore makes a store without sessions.
func NewStore() *Store {
	return &Store{sessions: make(map[string]Values)}
}

// Len is the number of sessions.
func (s *Store) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

func (s *Store) open(token string) Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	values, ok := s.sessions[token]
	if !ok {
		values = make(Values)
		s.sessions[token] = values
	}
	return values
}

type contextKey struct{}

// Middleware puts the values of the request's session into its context. A request without a session
// goes on without.
func (s *Store) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := r.Header.Get("X-Session")
		if token == "" {
			next.ServeHTTP(w, r)
			return
		}
		ctx := context.WithValue(r.Context(), contextKey{}, s.open(token))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// From is what is remembered of the customer whose request ctx belongs to.
func From(ctx context.Context) (Values, bool) {
	values, ok := ctx.Value(contextKey{}).(Values)
	return values, ok
}
