// Command render starts every plugin that is configured and lists the formats they bring.
package main

import (
	"fmt"
	"sync"

	"unpanic.dev/examples/hazards/07-plugin-registry/bad/registry"
)

// plugin is a set of formats that is set up together.
type plugin struct {
	name    string
	formats []string
}

// start sets the plugin up and registers what it can render.
func (p plugin) start() {
	for _, format := range p.formats {
		registry.Register(p.name+"/"+format, func(text string) string {
			return "<" + format + ">" + text
		})
	}
}

func configured() []plugin {
	var all []plugin
	for i := 0; i < 8; i++ {
		p := plugin{name: fmt.Sprintf("plugin-%d", i)}
		for j := 0; j < 50; j++ {
			p.formats = append(p.formats, fmt.Sprintf("format-%d", j))
		}
		all = append(all, p)
	}
	return all
}

func main() {
	var starting sync.WaitGroup
	for _, p := range configured() {
		starting.Add(1)
		go func() {
			defer starting.Done()
			p.start()
		}()
	}
	starting.Wait()

	fmt.Println("formats:", len(registry.Names()))
}
