// Races: the callee returns without the receive.
package main

type daemon struct{ exited chan struct{} }

func (d *daemon) start() error {
	started := make(chan error, 1)
	go func() {
		exited := make(chan struct{})
		d.exited = exited // want "RACE001"
		started <- nil
		close(exited)
	}()
	return nil
}

func (d *daemon) monitor() {
	for range 3 {
		if exited := d.exited; exited != nil { // want "RACE001"
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
