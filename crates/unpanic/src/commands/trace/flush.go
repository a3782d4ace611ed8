
// What follows is written by unpanic for this build only: the trace is written out before a map conflict
// ends the process, as Go does it before a panic does.

// unpanicConflict is what fatal calls; a variable, since the tracer may call fatal, too.
var unpanicConflict func(message string)

// unpanicFlushing is 1 from the first conflict on.
var unpanicFlushing uint32

func init() { unpanicConflict = unpanicFlush }

func unpanicFlush(message string) {
	const conflict = "concurrent map"
	if len(message) < len(conflict) || message[:len(conflict)] != conflict {
		return
	}
	if !atomic.Cas(&unpanicFlushing, 0, 1) {
		// Another goroutine came first. It ends the process, unless it cannot.
		timeSleep(1e9)
		return
	}
	trace_userLog(0, "unpanic", message)
	traceAdvance(false)
}
