package recovery

import (
	"net/http/httptest"
	"testing"
)

func TestCounter(t *testing.T) {
	var c Counter
	c.CountPanic(BoundaryHTTP, "/b")
	c.CountPanic(BoundaryHTTP, "/b")
	c.CountPanic(BoundaryGRPC, "a\"b\\c\nd")
	response := httptest.NewRecorder()
	c.ServeHTTP(response, httptest.NewRequest("GET", "/metrics", nil))
	want := "# HELP go_panic_total Panics that were recovered, by boundary and route.\n" +
		"# TYPE go_panic_total counter\n" +
		"go_panic_total{kind=\"grpc\",route=\"a\\\"b\\\\c\\nd\"} 1\n" +
		"go_panic_total{kind=\"http\",route=\"/b\"} 2\n"
	if got := response.Body.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
