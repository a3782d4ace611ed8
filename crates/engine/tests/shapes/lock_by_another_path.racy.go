// Races: the longer path leads to a read without the lock.
package main

import "sync"

type lessor struct {
	mu     sync.RWMutex
	leases map[int]int
}

func (l *lessor) Grant(id int) {
	l.mu.Lock()
	l.leases[id] = id // want "MAP001"
	l.mu.Unlock()
}

func (l *lessor) Revoke(id int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.leases, id) // want "MAP001"
}

func (l *lessor) attach(id int) int {
	return l.leases[id] // want "MAP001"
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
