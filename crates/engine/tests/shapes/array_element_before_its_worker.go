// Each worker is started after its element is set, and all are joined before the elements are set again.
package main

import "sync"

type pool struct {
	queues [4]chan int
	done   sync.WaitGroup
}

func (p *pool) start() {
	p.done.Add(len(p.queues))
	for i := range p.queues {
		p.queues[i] = make(chan int)
		go p.loop(i)
	}
}

func (p *pool) loop(i int) {
	defer p.done.Done()
	for range p.queues[i] {
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
