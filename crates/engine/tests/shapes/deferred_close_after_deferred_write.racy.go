// Races: the channel is closed before the write that was deferred first.
package main

func run(work func()) string {
	failure := ""
	done := make(chan struct{})
	go func() {
		defer func() {
			if err := recover(); err != nil {
				failure = "panicked" // want "RACE001"
			}
		}()
		defer close(done)
		work()
	}()
	<-done
	return failure // want "RACE001"
}

func main() {
	println(run(func() { panic("no") }))
}
