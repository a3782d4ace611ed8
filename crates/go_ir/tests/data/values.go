package p

type point struct{ x, y int }
type line struct{ from, to point }
type base struct{ m map[string]any }

func (b *base) set(k string, v any) { b.m[k] = v }
func (b base) size() int            { return len(b.m) }

type derived struct {
	*base
	name string
}

type setter interface{ set(k string, v any) }

func literals() (line, []*point, map[point]string) {
	l := line{from: point{1, 2}, to: point{y: 3}}
	l.to.x = l.from.x
	ps := []*point{{1, 2}, {x: 3}, nil}
	return l, ps, map[point]string{{1, 2}: "a"}
}

func methods(d derived, s setter) func(*base, string, any) {
	d.set("a", 1)
	s.set("b", d)
	f := d.set
	f("c", nil)
	g := derived.size
	g(d)
	h := s.set
	h("d", d.size)
	return (*base).set
}

func variadic(xs ...any) int {
	variadic()
	variadic(1, "a")
	variadic(xs...)
	variadic(pair())
	xs = append(xs, 1, 2)
	return len(xs)
}

func pair() (int, error) { return 1, nil }

func generic[T any, M ~map[string]T](m M, k string, v T) T {
	old := m[k]
	m[k] = v
	for k := range m {
		delete(m, k)
	}
	return old
}

type list[T any] struct {
	items []T
	inner struct{ n int }
}

func (l *list[T]) push(v T) { l.items = append(l.items, v); l.inner.n++ }

func use() {
	generic(map[string]int{}, "a", 1)
	var l list[string]
	l.push("x")
	p := new(int)
	*p = 3
	q := new(l.inner)
	q.n++
	var arr [4]int
	arr[1] = 2
	s := arr[1:]
	copy(s, arr[:])
	var e error
	var a any = e
	_ = a == e
	_ = a == 1
	c := make(chan<- any, 1)
	c <- 1
}

func logic(a, b bool) bool { return a && (b || !a) }
