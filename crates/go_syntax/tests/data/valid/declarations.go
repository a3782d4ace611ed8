// Copyright of nobody.

/* Package doc. */
package demo // trailing

import "fmt"
import (
	. "math"
	_ "embed"
	str "strings"; "sort"
)

const Pi = 3.14
const (
	a, b = iota, 1 << iota
	c, d
	e float64 = 0x1p-2
	_ = 'x' + '\'' + '\xff' + '世' + '\U0010FFFF'
)

var x, y int = 1, 0b1010_1010
var (
	z = 1_000.5e+3i
	w func(int, ...string) (n int, err error)
	m = map[string][]int{"a": {1, 2}, "b": nil}
	s = `raw
string`
	été, 世界 = 1, 017
	empty struct{}
)

type (
	T struct {
		A, B int `json:"a"`
		*fmt.Stringer
		T2
		fmt.Formatter "tag"
		Gen[int, string]
		arr [4]int
		sl []T
		inst Gen[int, []string]
		f func(x int) (y int)
		_ struct{ inner int }
	}
	T2 = struct{}
	Alias[P any] = Gen[P, P]
	Gen[K comparable, V any] struct{ k K; v V }
	Ptr[P *T, Q any] struct{}
	Ptr2[P *T,] struct{}
	Paren[P (interface{ m() })] struct{}
	Union[P *T | ~int | string] interface{ ~[]P | *P }
	Slice[P []E, E any] []P
	Arr [N * 2]int
	Arr2 [N]int
	Arr3 [len(s)]struct{}
	Elided [2][]int
	I interface {
		m(int) string
		n()
		fmt.Stringer
		Gen[int, string]
		~int | ~string
		interface{ o() }
		pkg.Gen[T]
		E[T] | int
	}
	Ch chan<- (<-chan chan int)
	Fn func(a, b int, _ ...T) func() chan T
)

func f()
func g() {}
func (t *T) method(a, b int, c ...string) (x int, err error) { return 0, nil }
func (Gen[K, V]) unnamed(int, string) error { return nil }
func generic[P any, Q interface{ *P }](p P, q Q) (P, Q) { return p, q }
func (r *T) genericMethod[N ~int | ~uint](n N) N { return n }
func results() (<-chan int, []T, map[K]V, struct{}, interface{}, (int)) { return }
