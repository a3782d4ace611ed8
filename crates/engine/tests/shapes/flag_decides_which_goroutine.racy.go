// Races: the goroutine of the one path runs beside the initialisation of the other.
package main

type target struct {
	dir      string
	producer *int
	items    chan int
	done     chan bool
}

func (t *target) start() {
	if t.dir != "" {
		go t.drain()
	}
	t.connect()
}

func (t *target) connect() { t.producer = new(int) } // want "RACE001"

func (t *target) drain() {
	t.done <- t.producer != nil // want "RACE001"
}

func run(dir string) {
	t := &target{dir: dir, items: make(chan int), done: make(chan bool)}
	t.start()
	close(t.items)
	<-t.done
}

func main() {
	run("/tmp")
}
