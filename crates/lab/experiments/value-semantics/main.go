// What an assignment copies: arrays and structs whole, of maps and slices only the reference.
package main

import (
	"context"
	"fmt"
	"math"
	"time"
)

type config struct {
	name   string
	limits [2]int
	tags   map[string]int
	hosts  []string
}

type key struct{}

func main() {
	array := [2]int{1, 2}
	copied := array
	copied[0] = 9
	fmt.Printf("array=%d\n", array[0])

	slice := []int{1, 2}
	alias := slice
	alias[0] = 9
	fmt.Printf("slice=%d\n", slice[0])

	table := map[string]int{"a": 1}
	same := table
	same["a"] = 9
	fmt.Printf("map=%d\n", table["a"])

	one := config{"one", [2]int{1, 1}, map[string]int{"a": 1}, []string{"h"}}
	two := one
	two.name, two.limits[0], two.tags["a"], two.hosts[0] = "two", 9, 9, "x"
	fmt.Printf("struct=%s %d %d %s\n", one.name, one.limits[0], one.tags["a"], one.hosts[0])

	func(c config) { c.tags["b"] = 1; c.name = "changed" }(one)
	fmt.Printf("argument=%s %d\n", one.name, len(one.tags))

	full := make([]int, 1, 1)
	grown := append(full, 1)
	grown[0] = 9
	room := make([]int, 1, 2)
	longer := append(room, 1)
	longer[0] = 9
	fmt.Printf("append=%d %d\n", full[0], room[0])

	values := map[string][2]int{"a": {1, 1}}
	element := values["a"]
	element[0] = 9
	fmt.Printf("map_element=%d\n", values["a"][0])

	items := []config{one}
	for _, item := range items {
		item.name = "changed in the loop"
	}
	fmt.Printf("range_value=%s\n", items[0].name)

	ctx := context.WithValue(context.Background(), key{}, table)
	ctx.Value(key{}).(map[string]int)["b"] = 1
	fmt.Printf("context_value=%d\n", len(table))

	nan := map[float64]int{math.NaN(): 1, math.NaN(): 2, 1: 3}
	for k := range nan {
		delete(nan, k)
	}
	left := len(nan)
	clear(nan)
	fmt.Printf("nan_keys=%d %d\n", left, len(nan))

	parsed, err := time.Parse(time.RFC3339, "no time")
	fmt.Printf("time_parse=%t %t\n", parsed.IsZero(), err != nil)
}
