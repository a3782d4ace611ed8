// Races: LockOutside, called through the interface, takes another lock than the committer.
package main

import "sync"

type Tx interface {
	LockOutside()
	Unlock()
	Put(key string)
}

type tx struct {
	sync.Mutex
	outside sync.Mutex
	pending int
}

func (t *tx) lock()        { t.Mutex.Lock() }
func (t *tx) LockOutside() { t.outside.Lock() }
func (t *tx) Unlock()      { t.outside.Unlock() }
func (t *tx) Put(string)   { t.pending++ } // want "RACE001"

type bufferedTx struct {
	tx
	buffer map[string]bool
}

func (t *bufferedTx) Put(key string) {
	t.tx.Put(key)
	t.buffer[key] = true
}

func (t *bufferedTx) Unlock() {
	t.tx.Unlock()
}

type backend struct{ tx *bufferedTx }

func (b *backend) batch() Tx { return b.tx }

func (b *backend) commit(done chan<- bool) {
	b.tx.lock()
	b.tx.pending = 0 // want "RACE001"
	b.tx.Mutex.Unlock()
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
