//go 1.21

package p

func start(xs []int) {
	for i := 0; i < len(xs); i++ {
		go func() { println(i) }()
	}
	for i, x := range xs {
		go func() { println(i, x) }()
	}
}
