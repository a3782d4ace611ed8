// The group starts all actors and waits for as many results, so that the next run follows them.
package main

type actors struct{ list []func() }

func (a *actors) run() {
	done := make(chan bool)
	for _, f := range a.list {
		go func() {
			f()
			done <- true
		}()
	}
	for range a.list {
		<-done
	}
}

type instance struct{ log *int }

func (i *instance) initialise() { i.log = new(int) }

func (i *instance) run() {
	i.initialise()
	group := &actors{}
	group.list = append(group.list, func() { println(i.log != nil) })
	group.run()
}

func main() {
	i := &instance{}
	for range 2 {
		i.run()
	}
}
