// Races: the variable is used although the helper may have given up waiting.
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
		time.Sleep(2 * time.Millisecond)
		data = []byte("x") // want "RACE001"
		return nil
	})
	if err != nil {
		println("late")
	}
	return data, nil // want "RACE001"
}

func main() {
	_, _ = read()
	time.Sleep(10 * time.Millisecond)
}
