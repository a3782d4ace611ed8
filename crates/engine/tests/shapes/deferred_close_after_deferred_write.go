// What was deferred first runs last: the channel is closed after the deferred write.
package main

func run(work func()) string {
	failure := ""
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if err := recover(); err != nil {
				failure = "panicked"
			}
		}()
		work()
	}()
	<-done
	return failure
}

func main() {
	println(run(func() { panic("no") }))
}
