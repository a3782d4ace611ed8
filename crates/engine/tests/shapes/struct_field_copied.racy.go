// Races: the struct is shared by pointer.
package main

import "sync"

type base struct{ name string }

type authority struct{ base *base }

func (a *authority) provision(b *base) {
	a.base = b
	a.base.name += "!" // want "RACE001"
}

type api struct{ base base }

func (a *api) serve(wg *sync.WaitGroup) {
	defer wg.Done()
	ca := new(authority)
	ca.provision(&a.base)
	println(a.base.name)
}

func main() {
	a := &api{base{"x"}}
	var wg sync.WaitGroup
	wg.Add(2)
	go a.serve(&wg)
	go a.serve(&wg)
	wg.Wait()
}
