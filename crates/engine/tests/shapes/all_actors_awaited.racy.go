// Races: the group waits for the first actor only.
package main

type actors struct{ list []func() }

func (a *actors) run() {
	done := make(chan bool, len(a.list))
	for _, f := range a.list {
		go func() {
			f()
			done <- true
		}()
	}
	<-done
}

type instance struct{ log *int }

func (i *instance) initialise() { i.log = new(int) } // want "RACE001"

func (i *instance) run() {
	i.initialise()
	group := &actors{}
	group.list = append(group.list, func() { println(i.log != nil) }) // want "RACE001"
	group.list = append(group.list, func() {})
	group.run()
}

func main() {
	i := &instance{}
	for range 2 {
		i.run()
	}
}
