// The lock is taken and given back by methods called through an interface, one of them overridden by the outer type.
package main

import "sync"

type Tx interface {
	LockOutside()
	Unlock()
	Put(key string)
}

type tx struct {
	sync.Mutex
	pending int
}

func (t *tx) lock()        { t.Mutex.Lock() }
func (t *tx) LockOutside() { t.lock() }
func (t *tx) Unlock()      { t.Mutex.Unlock() }
func (t *tx) Put(string)   { t.pending++ }

type bufferedTx struct {
	tx
	buffer map[string]bool
}

func (t *bufferedTx) Put(key string) {
	t.tx.Put(key)
	t.buffer[key] = true
}

func (t *bufferedTx) Unlock() {
	clear(t.buffer)
	t.tx.Unlock()
}

type backend struct{ tx *bufferedTx }

func (b *backend) batch() Tx { return b.tx }

func (b *backend) commit(done chan<- bool) {
	b.tx.lock()
	b.tx.pending = 0
	b.tx.Unlock()
	done <- true
}

func main() {
	b := &backend{&bufferedTx{buffer: map[string]bool{}}}
	done := make(chan bool)
	go b.commit(done)
	t := b.batch()
	t.LockOutside()
	t.Put("k")
	t.Unlock()
	<-done
}
