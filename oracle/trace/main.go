// Command trace is the oracle for execution traces: what Go's own reader (internal/trace, of which
// xtask puts a copy at gotrace/ since nobody outside the standard library may import it) makes of
// a file.
//
//	trace convert TEST OUT   a text trace (.test) or fuzz seed of Go's test data to binary
//	trace print FILE         every event, one a line
//	trace read FILE          reads all events; prints how many, seconds of processor time, and peak kilobytes
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"oracle/gotrace"
	"oracle/gotrace/raw"
)

func main() {
	if len(os.Args) < 3 {
		fail(fmt.Errorf("usage: trace convert|print|read FILE"))
	}
	switch os.Args[1] {
	case "convert":
		fail(convert(os.Args[2], os.Args[3]))
	case "print":
		fail(read(os.Args[2], true))
	case "read":
		fail(read(os.Args[2], false))
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func convert(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if seed, ok := strings.CutPrefix(string(data), "go test fuzz v1\n[]byte("); ok {
		seed = strings.TrimSuffix(strings.TrimSpace(seed), ")")
		text, err := strconv.Unquote(seed)
		if err != nil {
			return err
		}
		return os.WriteFile(to, []byte(text), 0o666)
	}
	_, text, ok := bytes.Cut(data, []byte("-- trace --\n"))
	if !ok {
		return fmt.Errorf("%s: no trace in it", from)
	}
	r, err := raw.NewTextReader(bytes.NewReader(text))
	if err != nil {
		return err
	}
	var out bytes.Buffer
	w, err := raw.NewWriter(&out, r.Version())
	if err != nil {
		return err
	}
	for {
		ev, err := r.ReadEvent()
		if err == io.EOF {
			return os.WriteFile(to, out.Bytes(), 0o666)
		}
		if err != nil {
			return err
		}
		if err := w.WriteEvent(ev); err != nil {
			return err
		}
	}
}

func read(path string, show bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	defer out.Flush()
	count := 0
	r, err := trace.NewReader(f)
	for err == nil {
		var ev trace.Event
		if ev, err = r.ReadEvent(); err != nil {
			break
		}
		count++
		if show {
			line(out, ev)
		}
	}
	if show {
		if err == io.EOF {
			fmt.Fprintln(out, "end")
		} else {
			fmt.Fprintln(out, "error", strings.SplitN(err.Error(), "\n", 2)[0])
		}
		return nil
	}
	if err != io.EOF {
		return err
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return err
	}
	used := time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	fmt.Fprintln(out, count, used.Seconds(), usage.Maxrss)
	return nil
}

func stack(out io.Writer, s trace.Stack) {
	for f := range s.Frames() {
		fmt.Fprintf(out, ";%d,%x,%x,%d", f.PC, f.Func, f.File, f.Line)
	}
}

// line prints everything that the interface of the reader gives. A getter that panics on a broken
// trace (Go's fuzz test leaves them out for that) ends the line.
func line(out io.Writer, ev trace.Event) {
	defer func() {
		if e := recover(); e != nil {
			fmt.Fprint(out, " ?")
		}
		fmt.Fprintln(out)
	}()
	fmt.Fprintf(out, "%s %d m%d p%d g%d", ev.Kind(), ev.Time(), ev.Thread(), ev.Proc(), ev.Goroutine())
	switch ev.Kind() {
	case trace.EventSync:
		s := ev.Sync()
		fmt.Fprintf(out, " %d", s.N)
		if c := s.ClockSnapshot; c != nil {
			fmt.Fprintf(out, " %d %d %d %d", c.Trace, c.Mono, c.Wall.Unix(), c.Wall.Nanosecond())
		}
	case trace.EventMetric:
		m := ev.Metric()
		fmt.Fprintf(out, " %s %d", m.Name, m.Value.Uint64())
	case trace.EventLabel:
		fmt.Fprintf(out, " %x", ev.Label().Label)
	case trace.EventRangeBegin, trace.EventRangeActive, trace.EventRangeEnd:
		r := ev.Range()
		fmt.Fprintf(out, " %x %s", r.Name, r.Scope)
		if ev.Kind() == trace.EventRangeEnd {
			for _, a := range ev.RangeAttributes() {
				fmt.Fprintf(out, " %d", a.Value.Uint64())
			}
		}
	case trace.EventTaskBegin, trace.EventTaskEnd:
		t := ev.Task()
		fmt.Fprintf(out, " %d %d %x", t.ID, t.Parent, t.Type)
	case trace.EventRegionBegin, trace.EventRegionEnd:
		r := ev.Region()
		fmt.Fprintf(out, " %d %x", r.Task, r.Type)
	case trace.EventLog:
		l := ev.Log()
		fmt.Fprintf(out, " %d %x %x", l.Task, l.Category, l.Message)
	case trace.EventStateTransition:
		s := ev.StateTransition()
		if s.Resource.Kind == trace.ResourceGoroutine {
			from, to := s.Goroutine()
			fmt.Fprintf(out, " goroutine %d %s %s %x", s.Resource.Goroutine(), from, to, s.Reason)
			stack(out, s.Stack)
		} else {
			from, to := s.Proc()
			fmt.Fprintf(out, " proc %d %s %s", s.Resource.Proc(), from, to)
		}
	case trace.EventExperimental:
		e := ev.Experimental()
		fmt.Fprintf(out, " %s", e.Name)
		for i := range e.Args {
			fmt.Fprintf(out, " %d", e.ArgValue(i).Uint64())
		}
	}
	fmt.Fprint(out, " |")
	stack(out, ev.Stack())
}
