// medium: the answer that the test waits for comes from the handler.
package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestAsked(t *testing.T) {
	asked := ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path
	}))
	defer srv.Close()
	resp, err := http.Get(srv.URL + "/x")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if asked != "/x" {
		t.Error(asked)
	}
}
