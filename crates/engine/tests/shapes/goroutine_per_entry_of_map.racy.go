// Races: the loops have goroutines of their own but share one scraper.
package main

import "sync"

type scraper struct{ request *int }

func (s *scraper) scrape() {
	if s.request == nil { // want "RACE001"
		s.request = new(int) // want "RACE001"
	}
}

type loop interface{ run(wg *sync.WaitGroup) }

type scrapeLoop struct{ scraper *scraper }

func (l *scrapeLoop) run(wg *sync.WaitGroup) {
	defer wg.Done()
	for range 3 {
		l.scraper.scrape()
	}
}

func start(ids []int, all map[int]loop, wg *sync.WaitGroup) {
	fresh := map[int]loop{}
	shared := &scraper{}
	for _, id := range ids {
		if _, ok := all[id]; ok {
			continue
		}
		l := &scrapeLoop{shared}
		all[id] = l
		fresh[id] = l
	}
	for _, l := range fresh {
		wg.Add(1)
		go l.run(wg)
	}
}

func main() {
	var wg sync.WaitGroup
	start([]int{1, 2, 3}, map[int]loop{}, &wg)
	wg.Wait()
}
