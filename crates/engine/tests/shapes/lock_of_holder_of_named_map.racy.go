// Races: one of the methods takes no lock.
package main

import "sync"

type pending map[string]int

func (p pending) size() int         { return len(p) } // want "MAP001"
func (p pending) add(key string)    { p[key] = 1 }    // want "MAP001"
func (p pending) remove(key string) { delete(p, key) }

type queue struct {
	sync.RWMutex
	pending pending
}

func (q *queue) Dump() int {
	return q.pending.size()
}

func (q *queue) Drop(key string) {
	q.Lock()
	defer q.Unlock()
	q.pending.remove(key)
}

func (q *queue) Put(key string) {
	q.Lock()
	defer q.Unlock()
	q.pending.add(key)
}

type Manager struct{ queue *queue }

func New() *Manager { return &Manager{&queue{pending: pending{}}} }

func (m *Manager) Put(key string) { m.queue.Put(key) }
func (m *Manager) Reset(key string) int {
	m.queue.Drop(key)
	return m.queue.Dump()
}

func main() {
	m := New()
	done := make(chan bool)
	go func() {
		m.Put("a")
		done <- true
	}()
	m.Reset("a")
	<-done
}
