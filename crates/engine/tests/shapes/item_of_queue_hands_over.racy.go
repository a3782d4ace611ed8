// Races: the item is added before the manager is set.
package main

import "sync"

type requeuer struct {
	manager *manager
	queue   *queue
}

type queue struct {
	mu    sync.Mutex
	added *sync.Cond
	items []string
}

func newQueue() *queue {
	q := &queue{}
	q.added = sync.NewCond(&q.mu)
	return q
}

func (q *queue) add(item string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items = append(q.items, item)
	q.added.Signal()
}

func (q *queue) get() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) == 0 {
		q.added.Wait()
	}
	item := q.items[0]
	q.items = q.items[1:]
	return item
}

type manager struct{ handled int }

func (r *requeuer) run(done chan<- bool) {
	item := r.queue.get()
	println(item, r.manager != nil) // want "RACE001"
	done <- true
}

func main() {
	r := &requeuer{queue: newQueue()}
	done := make(chan bool)
	go r.run(done)
	r.queue.add("a")
	r.manager = &manager{} // want "RACE001"
	<-done
}
