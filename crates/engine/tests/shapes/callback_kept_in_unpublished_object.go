// The callback is kept in a connection that is not used before the constructor returns, after the write.
package main

type conn struct{ intercept func() int }

func (c *conn) call() int { return c.intercept() }

func dial(intercept func() int) *conn {
	return &conn{intercept: intercept}
}

type client struct {
	conn *conn
	auth *int
}

func newClient() *client {
	c := &client{}
	c.conn = dial(c.check)
	c.auth = new(int)
	return c
}

func (c *client) check() int { return *c.auth }

func main() {
	c := newClient()
	done := make(chan int)
	go func() { done <- c.conn.call() }()
	println(c.conn.call(), <-done)
}
