// Written by unpanic for this build only: switches execution tracing on before main begins.
package PACKAGE

import (
	unpanicOS "os"
	unpanicTrace "runtime/trace"
	unpanicStrconv "strconv"
)

func init() {
	dir := unpanicOS.Getenv("UNPANIC_TRACE_DIR")
	if dir == "" {
		return
	}
	// Programs that this one starts are not traced.
	unpanicOS.Unsetenv("UNPANIC_TRACE_DIR")
	name := dir + "/" + unpanicStrconv.Itoa(unpanicOS.Getpid())
	file, err := unpanicOS.OpenFile(name+".trace", unpanicOS.O_CREATE|unpanicOS.O_EXCL|unpanicOS.O_WRONLY, 0o600)
	if err == nil {
		err = unpanicTrace.Start(file)
	}
	if err != nil {
		unpanicOS.WriteFile(name+".error", []byte(err.Error()), 0o600)
	}
}
