// Package unpanicrt is what `unpanic prove` puts into a program: traps around accesses. It stands in
// GOROOT/src of the build's overlay, so that every module can import it, whatever it vendors.
//
// A goroutine that comes to an access with a delay waits there, right before the access and with
// nothing in between. If another goroutine comes to a conflicting access to the same object in that
// time, both were there at once: the pair is written to the report before either goes on.
//
// No goroutine of its own, no timer, no channel: tests that count goroutines, that look for
// deadlocks or that live in a bubble of testing/synctest must not notice.
package unpanicrt

import (
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"unsafe"
)

// The lowest bits of the argument `at` of every function here; the rest is the number of the site.
const (
	atWrite  = 1 // the access changes the object
	atSteers = 2 // goroutines may be held here from the start
	atShift  = 2
)

// Goroutines that may be held at once.
const maxTraps = 8

// Pairs of sites whose meetings are written out, and how many of each.
const (
	maxPairs   = 256
	maxReports = 2
)

type trap struct {
	state uint32 // one of the constants below; changes under lock but is read without it
	at    uint32
	obj   unsafe.Pointer // keeps the object alive, and on the heap
	size  uintptr        // bytes of it; a map is named by the first
	stack []byte
}

// overlaps says whether a trap holds somebody at one of these bytes: a struct is read whole while a
// field of it is written.
func (t *trap) overlaps(p unsafe.Pointer, size uintptr) bool {
	a, b := uintptr(t.obj), uintptr(p)
	return a < b+size && b < a+t.size
}

const (
	free = iota
	armed
	sprung
)

var (
	on     bool
	report string
	start  int64
	spent  int64 // nanoseconds that goroutines were held, in this process
	held   uint32
	lock   uint32
	traps  [maxTraps]trap
	pairs  [maxPairs]struct{ a, b, n uint32 }
	random uint32
	alone  = 1 // so many goroutines, or fewer, are one that runs and others that wait for it
)

// M is the map itself. It stands around the map operand of an operation whose other operands do
// nothing that another goroutine could wait for.
func M[T any](m T, at uint32) T {
	if on {
		access(*(*unsafe.Pointer)(unsafe.Pointer(&m)), 1, at)
	}
	return m
}

// I stands at the start of the body of a range loop over m: the loop has just read the map.
func I[T any](m T, at uint32) {
	if on {
		access(*(*unsafe.Pointer)(unsafe.Pointer(&m)), 1, at)
	}
}

// P is the pointer itself, for memory that is no map. What takes no memory has no address of its own.
func P[T any](p *T, at uint32) *T {
	if on && unsafe.Sizeof(*p) != 0 {
		access(unsafe.Pointer(p), unsafe.Sizeof(*p), at)
	}
	return p
}

// R is m[k], where evaluating k takes calls: they are over when the trap is set.
func R[T ~map[K]V, K comparable, V any](m T, k K, at uint32) V {
	if on {
		access(*(*unsafe.Pointer)(unsafe.Pointer(&m)), 1, at)
	}
	return m[k]
}

// R2 is m[k] in its comma-ok form.
func R2[T ~map[K]V, K comparable, V any](m T, k K, at uint32) (V, bool) {
	if on {
		access(*(*unsafe.Pointer)(unsafe.Pointer(&m)), 1, at)
	}
	v, ok := m[k]
	return v, ok
}

// Delete is delete(m, k), for a deferred one or one whose key takes calls.
func Delete[T ~map[K]V, K comparable, V any](m T, k K, at uint32) {
	if on {
		access(*(*unsafe.Pointer)(unsafe.Pointer(&m)), 1, at)
	}
	delete(m, k)
}

// Clear is a deferred clear(m).
func Clear[T ~map[K]V, K comparable, V any](m T, at uint32) {
	if on {
		access(*(*unsafe.Pointer)(unsafe.Pointer(&m)), 1, at)
	}
	clear(m)
}

func init() {
	dir := os.Getenv("UNPANIC_PROVE")
	if dir == "" {
		return
	}
	start = nanotime()
	random = uint32(start) | 1
	if isTest() {
		alone = 2 // main does nothing but wait for the test
	}
	report = dir + "/report.jsonl"
	on = openTable(dir + "/table")
}

// isTest says whether this is a test binary, as `go test` runs it or by itself.
func isTest() bool {
	for i, arg := range os.Args {
		if i == 0 && len(arg) > 5 && arg[len(arg)-5:] == ".test" || len(arg) > 6 && arg[:6] == "-test." {
			return true
		}
	}
	return false
}

// access is called right before the access that it is named after.
//
//go:norace
func access(p unsafe.Pointer, size uintptr, at uint32) {
	if p == nil || int(at>>atShift) >= sites() {
		return
	}
	raceOff()
	s := site(at >> atShift)
	atomic.AddUint64(&s.reached, 1)
	if atomic.LoadUint32(&held) != 0 {
		meet(p, size, at, s)
	}
	if header().near != 0 {
		if at&atSteers == 0 {
			inferOrder(at)
		}
		learn(p, at, s)
	}
	if ns := delay(at, s); ns > 0 {
		wait(p, size, at, s, ns)
	} else if atomic.LoadUint64(&s.met) > 0 {
		space()
	}
	raceOn()
}

// meet looks whether somebody is held at a conflicting access to the object.
//
//go:norace
func meet(p unsafe.Pointer, size uintptr, at uint32, s *siteState) {
	acquire()
	var found *trap
	for i := range traps {
		t := &traps[i]
		if t.state == armed && t.overlaps(p, size) && (t.at|at)&atWrite != 0 {
			found = t
			break
		}
	}
	if found == nil {
		release()
		return
	}
	other := site(found.at >> atShift)
	atomic.AddUint64(&s.met, 1)
	if other != s {
		atomic.AddUint64(&other.met, 1)
	}
	if tellPair(found.at>>atShift, at>>atShift) {
		write(p, found, at, stack())
	}
	atomic.StoreUint32(&found.state, sprung)
	release()
	// The one that was held goes first: if both went at once, the program would likely die of what
	// has just been proven, and the rest of the run would be lost.
	for i := 0; i < 200 && atomic.LoadUint32(&found.state) == sprung; i++ {
		sleep(100_000)
	}
	sleep(spacing)
}

// Accesses at proven sites are kept apart by so many nanoseconds, for the same reason.
const spacing = 100_000

var last int64

// space waits for its turn at proven sites, as far as the budget allows.
//
//go:norace
func space() {
	now := nanotime()
	if atomic.LoadInt64(&spent) > allowed(now) {
		return
	}
	acquire()
	turn := last + spacing
	if turn < now {
		turn = now
	}
	last = turn
	release()
	if wait := turn - now; wait > 0 {
		sleep(wait)
		atomic.AddInt64(&spent, wait)
	}
}

// tellPair counts a meeting of two sites and says whether to write it out.
//
//go:norace
func tellPair(a, b uint32) bool {
	for i := range pairs {
		p := &pairs[i]
		if p.n == 0 {
			p.a, p.b, p.n = a, b, 1
			return true
		}
		if p.a == a && p.b == b {
			p.n++
			return p.n <= maxReports
		}
	}
	return false
}

// delay says for how long to hold a goroutine that comes to a site, in nanoseconds.
//
//go:norace
func delay(at uint32, s *siteState) int64 {
	weight := atomic.LoadUint64(&s.weight)
	if weight == 0 || atomic.LoadUint64(&s.met) > 0 || atomic.LoadUint32(&held) >= maxTraps {
		return 0
	}
	// Nobody else is there that could come. A timer could, but is held itself then, with this one about.
	if runtime.NumGoroutine() <= alone {
		return 0
	}
	if weight < 1000 && uint64(next()%1000) >= weight {
		return 0
	}
	h := header()
	ns := int64(h.delay + h.grow*atomic.LoadUint64(&s.held))
	if ns > int64(h.longest) {
		ns = int64(h.longest)
	}
	if atomic.LoadInt64(&spent)+ns > allowed(nanotime()) {
		return 0
	}
	return ns
}

// allowed says for how long goroutines may have been held until now: for a share of the time that the
// program took without, or for what is free, whichever is more.
//
//go:norace
func allowed(now int64) int64 {
	h := header()
	share := (now - start - atomic.LoadInt64(&spent)) / 1000 * int64(h.permille)
	return max(share, int64(h.free))
}

//go:norace
func next() uint32 {
	r := random
	r ^= r << 13
	r ^= r >> 17
	r ^= r << 5
	random = r
	return r
}

// wait holds the goroutine until somebody has come or the time is over.
//
//go:norace
func wait(p unsafe.Pointer, size uintptr, at uint32, s *siteState, ns int64) {
	own := stack()
	acquire()
	var t *trap
	for i := range traps {
		other := &traps[i]
		if other.state == armed && other.overlaps(p, size) && (other.at|at)&atWrite != 0 {
			// Somebody came while this one had not been held yet.
			release()
			meet(p, size, at, s)
			return
		}
		if t == nil && other.state == free {
			t = other
		}
	}
	if t == nil {
		release()
		return
	}
	t.at, t.obj, t.size, t.stack = at, p, size, own
	atomic.StoreUint32(&t.state, armed)
	atomic.AddUint32(&held, 1)
	release()

	atomic.AddUint64(&s.held, 1)
	began := nanotime()
	step := int64(50_000)
	var waited int64
	for waited < ns && atomic.LoadUint32(&t.state) == armed {
		sleep(step)
		if step < 1_000_000 {
			step += step / 2
		}
		waited = nanotime() - began
		if waited < 0 {
			break
		}
	}

	acquire()
	hit := t.state == sprung
	t.obj, t.stack = nil, nil
	atomic.StoreUint32(&t.state, free)
	atomic.AddUint32(&held, ^uint32(0))
	release()
	atomic.AddInt64(&spent, waited)
	atomic.AddUint64(&s.nanos, uint64(waited))
	if at&atSteers == 0 && !hit && waited > 0 {
		noteDelay(at, began, began+waited)
	}
	if !hit {
		// A delay that catches nobody becomes rarer, but never quite stops.
		weight := atomic.LoadUint64(&s.weight)
		if weight > 20 {
			atomic.StoreUint64(&s.weight, weight*9/10)
		}
	}
}

// Objects that were used last, for near misses. Entries are overwritten without order: a wrong one
// costs a delay, nothing else.
var recent [1024]struct {
	obj  uintptr
	who  uintptr
	when int64
	at   uint32
}

// learn gives weight to two sites when different goroutines use one object shortly after another. Of a
// site that is there for what it may do to others' findings, only pairs with those count.
//
//go:norace
func learn(p unsafe.Pointer, at uint32, s *siteState) {
	h := header()
	var here byte
	who := uintptr(unsafe.Pointer(&here)) >> 11
	obj := uintptr(p)
	r := &recent[(obj>>4^obj>>14)%uintptr(len(recent))]
	now := nanotime()
	if r.obj == obj && r.who != who && (r.at|at)&atWrite != 0 && now-r.when < int64(h.near) &&
		(s.beside == 0 || (r.at|at)&atSteers != 0) && !isOrdered(r.at>>atShift, at>>atShift) {
		for _, s := range [...]*siteState{s, site(r.at >> atShift)} {
			if atomic.LoadUint64(&s.held) == 0 {
				atomic.StoreUint64(&s.weight, 1000)
			} else if atomic.LoadUint64(&s.weight) == 0 {
				// Its weight went with a pair that is in order; this one is not known to be.
				atomic.StoreUint64(&s.weight, 500)
			}
		}
	}
	r.obj, r.who, r.when, r.at = obj, who, now, at
}

//go:norace
func acquire() {
	for !atomic.CompareAndSwapUint32(&lock, 0, 1) {
		runtime.Gosched()
	}
}

//go:norace
func release() {
	atomic.StoreUint32(&lock, 0)
}

func stack() []byte {
	buf := make([]byte, 8<<10)
	for {
		n := runtime.Stack(buf, false)
		if n < len(buf) || len(buf) >= 256<<10 {
			return buf[:n]
		}
		buf = make([]byte, 2*len(buf))
	}
}

// write appends one line to the report. The line is there when write returns: what the program dies
// of afterwards cannot undo it.
func write(p unsafe.Pointer, t *trap, at uint32, own []byte) {
	line := make([]byte, 0, 2*(len(own)+len(t.stack))+256)
	line = append(line, `{"pid":`...)
	line = strconv.AppendInt(line, int64(os.Getpid()), 10)
	line = append(line, `,"program":`...)
	line = quote(line, os.Args)
	line = append(line, `,"object":`...)
	line = strconv.AppendUint(line, uint64(uintptr(p)), 10)
	line = append(line, `,"held":`...)
	line = side(line, t.at, t.stack)
	line = append(line, `,"came":`...)
	line = side(line, at, own)
	line = append(line, "}\n"...)
	f, err := os.OpenFile(report, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return
	}
	f.Write(line)
	f.Close()
}

func side(line []byte, at uint32, stack []byte) []byte {
	line = append(line, `{"site":`...)
	line = strconv.AppendUint(line, uint64(at>>atShift), 10)
	line = append(line, `,"write":`...)
	line = strconv.AppendBool(line, at&atWrite != 0)
	line = append(line, `,"stack":`...)
	line = quote(line, []string{string(stack)})
	return append(line, '}')
}

// quote appends the first text as a JSON string.
func quote(line []byte, texts []string) []byte {
	line = append(line, '"')
	if len(texts) > 0 {
		for i := 0; i < len(texts[0]); i++ {
			switch c := texts[0][i]; {
			case c == '"' || c == '\\':
				line = append(line, '\\', c)
			case c == '\n':
				line = append(line, '\\', 'n')
			case c < 0x20:
				const digits = "0123456789abcdef"
				line = append(line, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
			default:
				line = append(line, c)
			}
		}
	}
	return append(line, '"')
}
