// A return statement whose operand is the named result itself stores nothing.
package main

import "sync"

func prepare() (wg *sync.WaitGroup, err error) {
	wg = &sync.WaitGroup{}
	wg.Add(1)
	go func() {
		wg.Done()
	}()
	return wg, nil
}

func main() {
	wg, _ := prepare()
	wg.Wait()
}
