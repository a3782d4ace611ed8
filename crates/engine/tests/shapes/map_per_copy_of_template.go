// Each goroutine gets a copy of the template with a map of its own.
package main

import "sync"

type upload struct{ seen map[string]bool }

type doer interface{ do() }

func (u *upload) do() {
	u.seen["layer"] = true
}

func starter(d doer, wg *sync.WaitGroup) func() {
	return func() {
		wg.Add(1)
		go func() {
			defer wg.Done()
			d.do()
		}()
	}
}

func main() {
	var wg sync.WaitGroup
	template := upload{seen: map[string]bool{}}
	var uploads []doer
	for range 3 {
		u := template
		u.seen = map[string]bool{}
		uploads = append(uploads, &u)
	}
	for _, u := range uploads {
		starter(u, &wg)()
	}
	wg.Wait()
}
