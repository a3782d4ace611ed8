package recovery

import (
	"context"
	"testing"
)

func TestTraceparent(t *testing.T) {
	for header, want := range map[string]string{
		testTraceparent:            testTrace,
		testTraceparent + "-later": testTrace,
		"":                         "",
		"00-" + testTrace:          "",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01": "",
		"00-4bf92f3577b34da6a3ce929d0e0e473x-00f067aa0ba902b7-01": "",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01": "",
		"00-4bf9-00f067aa0ba902b7-01":                             "",
	} {
		got := headerTracer{}.TraceID(withTraceparent(context.Background(), header))
		if got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
}
