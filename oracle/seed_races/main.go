// Command seed_races finds places in a clean Go module where one edit makes a data race, and prints
// them as JSON, one object a line, spread evenly over operators and packages:
//
//	drop-lock       the Lock and Unlock of a method that touches a guarded field are removed
//	rlock           Lock becomes RLock around a write
//	other-mutex     another instance's mutex, or another mutex of the struct, is locked
//	copy-struct     a method gets a value receiver: the mutex is copied, the map in the struct is not
//	drop-clone      a copy of a guarded map or slice is left out before it leaves the lock
//	return-map      the internal map is returned instead of the copy that a loop makes
//	early-go        a goroutine starts before the last initialisation of what it uses
//	drop-wait       the Wait of a wait group is removed before a result is used
//
// A place is taken only if the race really results, as far as the package shows; conventions.go and
// the operators say how that is decided. Every seed has been type-checked with its edit.
//
//	seed_races -dir MODULE -count 40
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sort"
)

// Edit replaces the bytes from Start to End of the seed's file.
type Edit struct {
	Start int    `json:"start"`
	End   int    `json:"end"`
	Text  string `json:"text"`
}

// Seed is one broken place.
type Seed struct {
	Operator string `json:"operator"`
	Package  string `json:"package"`
	// File is absolute.
	File     string `json:"file"`
	Function string `json:"function"`
	// Variable is the name of the field or local variable that now races.
	Variable string `json:"variable"`
	// Map says whether that is a map.
	Map   bool   `json:"map"`
	Edits []Edit `json:"edits"`
	// Places are the accesses to the variable in its package, in the text after the edits.
	Places []Place `json:"places"`
	// Near is the folders of the package and of those of the module that import it.
	Near []string `json:"near"`

	pkg   *loaded
	index int
}

// Place is a line of a file, as it is after the edits.
type Place struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

// Summary is the last line.
type Summary struct {
	Module     string         `json:"module"`
	Packages   int            `json:"packages"`
	Broken     int            `json:"packages_not_checked"`
	Candidates map[string]int `json:"candidates"`
}

func main() {
	dir := flag.String("dir", ".", "the module's folder")
	count := flag.Int("count", 40, "how many seeds")
	list := flag.Bool("candidates", false, "print all candidates, unchecked")
	flag.Parse()
	if err := run(*dir, *count, *list); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir string, count int, list bool) error {
	w, err := load(dir)
	if err != nil {
		return err
	}
	summary := Summary{Module: dir, Candidates: map[string]int{}}
	groups := map[group][]*Seed{}
	for _, p := range w.packages {
		summary.Packages++
		if len(p.errors) > 0 {
			summary.Broken++
			continue
		}
		for _, s := range candidates(p) {
			g := group{s.Operator, s.Map}
			groups[g] = append(groups[g], s)
			summary.Candidates[g.String()]++
		}
	}
	out := json.NewEncoder(os.Stdout)
	chosen := choose(w, groups, count, list)
	for _, s := range chosen {
		s.Near = w.near(s.pkg)
		if err := out.Encode(s); err != nil {
			return err
		}
	}
	return out.Encode(summary)
}

// group is what seeds are spread over.
type group struct {
	operator string
	isMap    bool
}

func (g group) String() string {
	if g.isMap {
		return g.operator + " map"
	}
	return g.operator
}

// choose takes seeds from the groups in turn, those in a group evenly spaced over the module, until
// there are enough or none are left. A function is broken once; only when that does not give enough,
// once by each operator.
func choose(w *world, groups map[group][]*Seed, count int, all bool) []*Seed {
	var order []group
	for g := range groups {
		order = append(order, g)
	}
	sort.Slice(order, func(i, j int) bool {
		// Maps first: the product is about them, and they are the rarer ones.
		if order[i].isMap != order[j].isMap {
			return order[i].isMap
		}
		return order[i].operator < order[j].operator
	})
	var chosen []*Seed
	taken := map[*Seed]bool{}
	functions := map[string]bool{}
	for _, again := range []bool{false, true} {
		queues := map[group][]*Seed{}
		for i, g := range order {
			queues[g] = spaced(groups[g], i)
		}
		for progress := true; progress && (len(chosen) < count || all); {
			progress = false
			for _, g := range order {
				for len(queues[g]) > 0 && (len(chosen) < count || all) {
					s := queues[g][0]
					queues[g] = queues[g][1:]
					function := s.Package + " " + s.Function
					byOperator := function + " " + s.Operator
					if taken[s] || (functions[function] && !again) || (functions[byOperator] && !all) || !w.compiles(s) {
						continue
					}
					taken[s], functions[function], functions[byOperator] = true, true, true
					chosen = append(chosen, s)
					progress = true
					break
				}
			}
		}
	}
	return chosen
}

// spaced orders a list so that each prefix is spread over the whole of it: the middle of the largest
// gap comes next (the bit reversal of the index). Each group starts elsewhere.
func spaced(list []*Seed, group int) []*Seed {
	if len(list) == 0 {
		return nil
	}
	start := group * 7919 % len(list)
	list = append(append([]*Seed{}, list[start:]...), list[:start]...)
	bits := 0
	for 1<<bits < len(list) {
		bits++
	}
	var out []*Seed
	for i := range 1 << bits {
		reversed := 0
		for b := range bits {
			if i&(1<<b) != 0 {
				reversed |= 1 << (bits - 1 - b)
			}
		}
		if reversed < len(list) {
			out = append(out, list[reversed])
		}
	}
	return out
}
