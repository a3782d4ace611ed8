// The helper returns nil only after it has received the result, and the variable is used only where the error is nil.
package main

import (
	"errors"
	"time"
)

func within(d time.Duration, work func() error) error {
	result := make(chan error, 1)
	go func() { result <- work() }()
	select {
	case err := <-result:
		return err
	case <-time.After(d):
		return errors.New("deadline")
	}
}

func read() ([]byte, error) {
	var data []byte
	err := within(time.Millisecond, func() error {
		data = []byte("x")
		return nil
	})
	if err != nil {
		return nil, err
	}
	return data, nil
}

func main() {
	_, _ = read()
}
