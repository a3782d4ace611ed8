// Command render turns text into every format that is compiled in, side by side.
package main

import (
	"fmt"
	"sync"

	_ "unpanic.dev/examples/hazards/07-plugin-registry/good-init-only/markup"
	"unpanic.dev/examples/hazards/07-plugin-registry/good-init-only/registry"
)

func main() {
	formats := []string{"upper", "lower", "html", "upper"}
	rendered := make([]string, len(formats))

	var work sync.WaitGroup
	for i, format := range formats {
		work.Add(1)
		go func() {
			defer work.Done()
			if render, ok := registry.Lookup(format); ok {
				rendered[i] = render("Fish & Chips")
			}
		}()
	}
	work.Wait()

	fmt.Println(rendered)
}
