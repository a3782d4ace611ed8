// Command prices quotes articles from a price list that is read once, at the start.
package main

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// List holds the price of each article, in cents.
type List struct {
	currency string
	cents    map[string]int
}

// NewList makes an empty price list.
func NewList(currency string) List {
	return List{currency: currency, cents: make(map[string]int)}
}

// Set gives article a price.
func (l List) Set(article string, cents int) {
	l.cents[article] = cents
}

// Price is the price of article; zero when it is unknown.
func (l List) Price(article string) int {
	return l.cents[article]
}

func main() {
	list := NewList("EUR")
	for i := 0; i < 100; i++ {
		list.Set(fmt.Sprintf("article-%d", i), 100*i)
	}

	var total atomic.Int64
	var quoters sync.WaitGroup
	for q := 0; q < 4; q++ {
		quoters.Add(1)
		go func() {
			defer quoters.Done()
			for i := 0; i < 100; i++ {
				total.Add(int64(list.Price(fmt.Sprintf("article-%d", i))))
			}
		}()
	}
	quoters.Wait()

	fmt.Println(total.Load(), list.currency, "cents")
}
