package demo

func statements(ch chan int, xs []int) {
	;
	x := 1
	x, y := 2, 3
	x += y; x -= y; x *= y; x /= y; x %= y; x &= y; x |= y; x ^= y; x <<= 1; x >>= 1; x &^= y
	x++
	y--
	ch <- 1
	<-ch
	go func() {}()
	defer f(x)
	{
		var z int
		const k = 1
		type L struct{}
		_ = z
	}
	if x > 0 {
	} else if y := f(x); y != 0 {
	} else {
	}
	if (T{}) == (T{1}) {
	}
	if f := func() bool { return T{} == T{} }; f() {
	}
	for {
		break
	}
	for x < 10 {
		continue
	}
	for i := 0; i < 10; i++ {
	}
	for ; ; {
	}
	for range xs {
	}
	for range 10 {
	}
	for i := range xs {
	}
	for i, v := range xs {
	}
	for x, xs[0] = range f {
	}
	for _, v := range []int{1, 2} {
	}
outer:
	for {
		switch {
		case x == 1, x == 2:
			fallthrough
		default:
			break outer
		}
		goto end
		continue outer
	}
	switch x {
	}
	switch x := f(x); x {
	case 1:
	}
	switch f(x); {
	}
	switch x.(type) {
	case int, *T, nil:
	case func(int) string:
	}
	switch y := 1; z := x.(type) {
	default:
		_ = z
	}
	select {
	case v := <-ch:
	case v, ok = <-ch:
	case ch <- x:
	case <-ch:
		f(x)
	default:
	}
	select {}
end:
}

func label() { L: }

func expressions() {
	_ = a.b.c(d, e...)[1](2)
	_ = -x + +y*z&w - ^v | !u && p || q == r
	_ = *p.q + *(*int)(ptr)
	_ = &T{a: 1, "b": {2}, [2]int{3}: x}
	_ = []T{{1}, {2}, 5: {3}}
	_ = [...]string{"a", 2: "b"}
	_ = map[T]map[string]int{}
	_ = x[1] + x[1:2][:][:3][4:][5:6:7][:8:9]
	_ = x.(T).(*U).(interface{ m() })
	_ = func(a int) int { return a }(1)
	_ = <-chan int(nil)
	_ = (<-chan int)(nil)
	_ = <-chan<- chan int(nil)
	_ = chan<- int(nil)
	_ = <-f()
	_ = G[int](x) + G[int, []string]{}.f + p.G[map[K]V](y)
	_ = []int(nil)
	_ = func() {}
	_ = struct{ a int }{1}
	_ = interface{}(x)
	_ = new(1 + 2)
	_ = a << b >> c &^ d
	_ = (((x)))
	_ = 0x_FF + 0o17 + 0B11 + 1e3 + .5 + 1. + 0x1.8p1 + 08.5 + 09i
	f(
		a,
		b,
	)
	var _ = func() {
		return
	}
}
