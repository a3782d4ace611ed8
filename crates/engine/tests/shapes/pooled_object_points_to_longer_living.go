// The map that is written belongs to an account that outlives the pooled object and is only reached through it.
package main

import "sync"

type account struct {
	mu   sync.Mutex
	subs map[string]int
}

type subscription struct{ account *account }

var pool = sync.Pool{New: func() any { return new(subscription) }}

var accounts = []*account{{subs: map[string]int{}}}

func (s *subscription) insert(name string) {
	s.account.mu.Lock()
	s.account.subs[name]++
	s.account.mu.Unlock()
}

func use(name string) {
	s := pool.Get().(*subscription)
	s.account = accounts[0]
	s.insert(name)
	pool.Put(s)
}

func main() {
	use("a")
	use("b")
}
