// Races: a worker may read its queue before the queue is set.
package main

import "sync"

type pool struct {
	queues [4]chan int
	done   sync.WaitGroup
}

func (p *pool) start() {
	p.done.Add(len(p.queues))
	for i := range p.queues {
		go p.loop(i)
		p.queues[i] = make(chan int) // want "RACE001"
	}
}

func (p *pool) loop(i int) {
	defer p.done.Done()
	q := p.queues[i] // want "RACE001"
	for q != nil {
		if _, ok := <-q; !ok {
			return
		}
	}
}

func (p *pool) stop() {
	for i := range p.queues {
		close(p.queues[i])
	}
	p.done.Wait()
}

func main() {
	p := &pool{}
	for range 3 {
		p.start()
		p.stop()
	}
}
