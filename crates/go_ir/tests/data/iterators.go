package p

import "iter"

func find(seq iter.Seq2[int, string], want string) (found int) {
	for i, s := range seq {
		if s == "" {
			continue
		}
		if s == "stop" {
			break
		}
		if s == want {
			return i
		}
	}
	return -1
}

func nested(a, b iter.Seq[int]) int {
	n := 0
outer:
	for x := range a {
		for y := range b {
			if x == y {
				continue outer
			}
			if y > 3 {
				break outer
			}
			n += y
		}
	}
	return n
}

type tree struct{ left *tree }

func (t *tree) all(yield func(*tree) bool) {
	for t.left.all2(yield) {
	}
}
func (t *tree) all2(yield func(*tree) bool) bool { return t == nil || yield(t) }

func walk(t *tree) {
	defer println()
	for t := range t.all {
		defer println(t)
	}
}
