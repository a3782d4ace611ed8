// Which goroutine exists, and which path initialises, is decided by one field that nobody changes.
package main

import "sync"

type target struct {
	dir      string
	once     sync.Once
	producer *int
	items    chan int
	done     chan bool
}

func (t *target) start() {
	if t.dir != "" {
		go t.drain()
		t.once.Do(t.connect)
		return
	}
	t.connect()
	go t.loop()
}

func (t *target) connect() { t.producer = new(int) }

func (t *target) drain() {
	t.once.Do(t.connect)
	t.done <- t.producer != nil
}

func (t *target) loop() {
	for range t.items {
	}
	t.done <- t.producer != nil
}

func run(dir string) {
	t := &target{dir: dir, items: make(chan int), done: make(chan bool)}
	t.start()
	close(t.items)
	<-t.done
}

func main() {
	run("")
	run("/tmp")
}
