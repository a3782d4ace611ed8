// Races: the field points to the global, which all calls write.
package main

import "sync"

type kind struct {
	code int
	name string
}

var unavailable = kind{1, "unavailable"}
var bad = kind{2, "bad"}

type failure struct{ kind *kind }

func fail() *failure { return &failure{kind: &bad} }

func handle(wg *sync.WaitGroup) {
	defer wg.Done()
	if f := fail(); f != nil {
		f.kind = &unavailable
		f.kind.code++ // want "RACE001"
		println(f.kind.name)
	}
}

func main() {
	var wg sync.WaitGroup
	wg.Add(2)
	go handle(&wg)
	go handle(&wg)
	wg.Wait()
}
