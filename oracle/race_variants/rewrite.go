package main

import (
	"fmt"
	"go/token"
	"strings"
)

// extractHelpers makes a function of each closure: captured variables are passed by address.
func extractHelpers(c *checked, round int, closures []goClosure) (map[int][]edit, int, map[string]int) {
	edits, left, changed := map[int][]edit{}, map[string]int{}, 0
	counts := map[string]int{}
	var done token.Pos // up to here the round has changed the source
	for _, g := range closures {
		if g.stmt.Pos() < done {
			continue
		}
		all, reason := c.capture(g)
		if reason != "" {
			left[reason]++
			continue
		}
		done = g.stmt.End()
		changed++
		name := "work" + serial(counts, round, g.function)
		body := c.body(g, all, func(name string) string { return "(*" + name + ")" })
		var parameters []string
		for _, v := range all {
			parameters = append(parameters, v.name+" *"+v.typ)
		}
		list := strings.Join(parameters, ", ")
		if g.lit.Type.Params.NumFields() > 0 && list != "" {
			list += ", "
		}
		given := addresses(all)
		if len(g.stmt.Call.Args) > 0 && given != "" {
			given += ", "
		}
		fun, end := g.stmt.Call.Fun, len(c.texts[c.names[g.file]])
		edits[g.file] = append(edits[g.file],
			edit{c.offset(fun.Pos()), c.offset(fun.End()), name},
			edit{c.offset(g.stmt.Call.Lparen) + 1, c.offset(g.stmt.Call.Lparen) + 1, given},
			edit{end, end, fmt.Sprintf("\nfunc %s(%s%s\n", name, list, strings.TrimPrefix(body, "("))},
		)
	}
	return edits, changed, left
}

// nameClosures gives each closure a name before it is started.
func nameClosures(c *checked, round int, closures []goClosure) (map[int][]edit, int, map[string]int) {
	edits, left, changed := map[int][]edit{}, map[string]int{}, 0
	counts := map[string]int{}
	var done token.Pos // up to here the round has changed the source
	labelled := c.labelled()
	for _, g := range closures {
		if g.stmt.Pos() < done {
			continue
		}
		if labelled[g.stmt] {
			left["it has a label"]++
			continue
		}
		done = g.stmt.End()
		changed++
		name := "work" + serial(counts, round, g.function)
		fun, at := g.stmt.Call.Fun, c.offset(g.stmt.Pos())
		// `go ` and the closure: the definition comes first, then the statement with the name.
		text := name + " := " + c.text(g.file, g.lit.Pos(), g.lit.End()) + "\ngo " + name
		edits[g.file] = append(edits[g.file], edit{at, c.offset(fun.End()), text})
	}
	return edits, changed, left
}

// throughInterface makes a struct of addresses with a method of each closure and starts the method
// through an interface. Closures of one function with one signature share the interface.
func throughInterface(c *checked, round int, closures []goClosure) (map[int][]edit, int, map[string]int) {
	edits, left, changed := map[int][]edit{}, map[string]int{}, 0
	counts := map[string]int{}
	var done token.Pos // up to here the round has changed the source
	interfaces := map[string]string{}
	labelled := c.labelled()
	for _, g := range closures {
		if g.stmt.Pos() < done {
			continue
		}
		all, reason := c.capture(g)
		if reason == "" && labelled[g.stmt] {
			reason = "it has a label"
		}
		if reason != "" {
			left[reason]++
			continue
		}
		done = g.stmt.End()
		changed++
		own := serial(counts, round, g.function)
		signature := c.text(g.file, g.lit.Type.Params.Pos(), g.lit.Body.Pos())
		key := g.function.Name.Name + signature
		var text strings.Builder
		runner, ok := interfaces[key]
		if !ok {
			runner = "runner" + own
			interfaces[key] = runner
			fmt.Fprintf(&text, "\ntype %s interface {\n\trun%s%s\n}\n", runner, runner, signature)
		}
		fmt.Fprintf(&text, "\ntype body%s struct {\n", own)
		for _, v := range all {
			fmt.Fprintf(&text, "\t%s *%s\n", v.name, v.typ)
		}
		body := c.body(g, all, func(name string) string { return "(*own." + name + ")" })
		fmt.Fprintf(&text, "}\n\nfunc (own *body%s) run%s%s\n", own, runner, body)
		fun, at := g.stmt.Call.Fun, c.offset(g.stmt.Pos())
		end := len(c.texts[c.names[g.file]])
		start := fmt.Sprintf("var start%s %s = &body%s{%s}\ngo start%s.run%s",
			own, runner, own, addresses(all), own, runner)
		edits[g.file] = append(edits[g.file],
			edit{at, c.offset(fun.End()), start},
			edit{end, end, text.String()},
		)
	}
	return edits, changed, left
}
