// Races: the connection starts a goroutine that runs the callback before the constructor goes on.
package main

type conn struct{ intercept func() int }

func (c *conn) call() int { return c.intercept() }

func dial(intercept func() int) *conn {
	go intercept()
	return &conn{intercept: intercept}
}

type client struct {
	conn *conn
	auth *int
}

func newClient() *client {
	c := &client{}
	c.conn = dial(c.check)
	c.auth = new(int) // want "RACE001"
	return c
}

func (c *client) check() int {
	if c.auth == nil { // want "RACE001"
		return 0
	}
	return 1
}

func main() {
	c := newClient()
	done := make(chan int)
	go func() { done <- c.conn.call() }()
	println(c.conn.call(), <-done)
}
