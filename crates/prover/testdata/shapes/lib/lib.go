// Package lib has maps that others use, a generic one among them.
package lib

// Set is a generic map type.
type Set[K comparable] map[K]struct{}

// Add adds a key.
func (s Set[K]) Add(k K) { s[k] = struct{}{} }

// Has tells whether a key is there.
func (s Set[K]) Has(k K) bool { _, ok := s[k]; return ok }

// Count counts by a type parameter whose core type is a map.
func Count[M ~map[K]int, K comparable](m M, keys ...K) M {
	for _, k := range keys {
		m[k]++
	}
	return m
}

// Table is exported.
var Table = map[string][]int{"a": {1, 2}}
