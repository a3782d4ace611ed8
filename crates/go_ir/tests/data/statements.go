package p

func forever() int {
	for {
	}
}

func nested(a, b int) (sum int) {
outer:
	for i := 0; i < a; i++ {
		for j := range b {
			if i == j {
				continue outer
			}
			if j > 10 && i > 3 || a < 2 {
				break outer
			}
			sum += j
		}
	}
	return
}

func jumps(n int) int {
	i := 0
loop:
	if i < n {
		i++
		goto loop
	}
	return i
}

func swap(a, b int) (int, int) {
	a, b = b, a
	return a, b
}

func switches(x int, s string) string {
	switch x {
	case 1, 2:
		s += "low"
		fallthrough
	case 3:
		s += "three"
	default:
		s = ""
	}
	switch {
	case x > 5:
		return "big"
	}
	return s
}

type shape interface{ area() int }
type square struct{ side int }

func (s square) area() int { return s.side * s.side }

func types(v any) int {
	switch v := v.(type) {
	case nil:
		return 0
	case int:
		return v
	case shape:
		return v.area()
	case string, []byte:
		_ = v
	}
	if n, ok := v.(int); ok {
		return n
	}
	return -1
}

func choose(in, out chan int, done chan struct{}) (n int) {
	for {
		select {
		case v, ok := <-in:
			if !ok {
				return
			}
			n += v
		case out <- n:
		case <-done:
			return n
		}
		select {
		case out <- 1:
		default:
		}
	}
}

func ranges(s string, xs []int, m map[string]int, arr [3]int, c chan int) (t int) {
	for i, r := range s {
		t += i + int(r)
	}
	for i := range xs {
		xs[i] = 0
	}
	for k, v := range m {
		t += v
		delete(m, k)
	}
	for _, v := range arr {
		t += v
	}
	for v := range c {
		t += v
	}
	var k string
	for k = range m {
	}
	_ = k
	return
}

func cleanup(c chan int) (err error) {
	defer close(c)
	defer func() {
		if r := recover(); r != nil {
			err = nil
		}
	}()
	panic("no")
}
