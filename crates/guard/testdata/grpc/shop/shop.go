// Package shop is what the service and its clients agree on: four calls, and messages that are text.
package shop

import "fmt"

// Name is that of the service.
const Name = "shop.Shop"

// Text is every message.
type Text struct{ Value string }

// Codec carries Text as it is.
type Codec struct{}

// Name is what stands behind application/grpc+.
func (Codec) Name() string { return "text" }

// Marshal writes a Text.
func (Codec) Marshal(v any) ([]byte, error) {
	text, ok := v.(*Text)
	if !ok {
		return nil, fmt.Errorf("a *shop.Text was expected, found %T", v)
	}
	return []byte(text.Value), nil
}

// Unmarshal reads a Text.
func (Codec) Unmarshal(data []byte, v any) error {
	text, ok := v.(*Text)
	if !ok {
		return fmt.Errorf("a *shop.Text was expected, found %T", v)
	}
	text.Value = string(data)
	return nil
}
