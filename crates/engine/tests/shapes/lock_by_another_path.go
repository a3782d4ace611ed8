// All take the lock of one object, some by a longer path.
package main

import "sync"

type lessor struct {
	mu     sync.RWMutex
	leases map[int]int
}

func (l *lessor) Grant(id int) {
	l.mu.Lock()
	l.leases[id] = id
	l.mu.Unlock()
}

func (l *lessor) Revoke(id int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.leases, id)
}

func (l *lessor) attach(id int) int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.leases[id]
}

type store struct{ lessor *lessor }

type txn struct{ store *store }

func (t *txn) Put(id int) int { return t.store.lessor.attach(id) }

func main() {
	l := &lessor{leases: map[int]int{}}
	t := &txn{&store{l}}
	done := make(chan bool)
	go func() {
		l.Grant(1)
		l.Revoke(1)
		done <- true
	}()
	t.Put(1)
	<-done
}
