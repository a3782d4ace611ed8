// The goroutine writes and then sends; the callee receives on its way out, so that its caller reads after the write.
package main

type daemon struct{ exited chan struct{} }

func (d *daemon) start() error {
	started := make(chan error)
	go func() {
		exited := make(chan struct{})
		d.exited = exited
		started <- nil
		close(exited)
	}()
	return <-started
}

func (d *daemon) monitor() {
	for range 3 {
		if exited := d.exited; exited != nil {
			<-exited
		}
		if d.start() != nil {
			return
		}
	}
}

func main() {
	d := &daemon{}
	d.monitor()
}
