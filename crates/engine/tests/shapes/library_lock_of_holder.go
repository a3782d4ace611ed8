// The named map has no lock of its own: its holder has, and the holder of that holds another in addition.
package p

import "sync"

type pending map[string]int

func (p pending) size() int         { return len(p) }
func (p pending) add(key string)    { p[key] = 1 }
func (p pending) remove(key string) { delete(p, key) }

type Workloads struct {
	sync.RWMutex
	pending pending
}

func (w *Workloads) Size() int {
	w.RLock()
	defer w.RUnlock()
	return w.pending.size()
}

func (w *Workloads) Drop(key string) {
	w.Lock()
	defer w.Unlock()
	w.pending.remove(key)
}

func (w *Workloads) Put(key string) {
	w.Lock()
	defer w.Unlock()
	w.pending.add(key)
}

type Queue struct {
	mu        sync.RWMutex
	workloads Workloads
}

func New() *Queue { return &Queue{workloads: Workloads{pending: pending{}}} }

func (q *Queue) Size() int {
	q.mu.RLock()
	defer q.mu.RUnlock()
	return q.workloads.Size()
}

func (q *Queue) Put(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.workloads.Put(key)
}

func (q *Queue) Reset(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.workloads.pending.size() > 0 {
		q.workloads.Drop(key)
	}
}
