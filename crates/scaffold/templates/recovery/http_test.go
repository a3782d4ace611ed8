package recovery

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
)

// serve starts a server whose handlers are guarded, as a service would.
func serve(t *testing.T, handlers map[string]http.HandlerFunc) (*httptest.Server, *reports) {
	t.Helper()
	r, out := newTestRecoverer()
	mux := http.NewServeMux()
	for pattern, handler := range handlers {
		mux.HandleFunc(pattern, handler)
	}
	server := httptest.NewServer(r.HTTP(mux, MuxRoute(mux)))
	t.Cleanup(server.Close)
	return server, out
}

// get sends one request with a traceparent and returns status, body and how reading ended.
func get(t *testing.T, url string) (int, string, error) {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Traceparent", testTraceparent)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

func TestHTTPPanicBecomes500(t *testing.T) {
	server, out := serve(t, map[string]http.HandlerFunc{
		"/orders": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "7")
			panic("secret")
		},
	})
	status, body, err := get(t, server.URL+"/orders?id=1")
	if err != nil || status != http.StatusInternalServerError {
		t.Fatalf("got %d, %v", status, err)
	}
	if strings.Contains(body, "secret") || !strings.Contains(body, `"code":"internal"`) {
		t.Errorf("body = %q", body)
	}
	record := out.only(t)
	for key, want := range map[string]any{
		"msg": "panic_recovered", "kind": "http", "route": "/orders", "path": "/orders",
		"method": "GET", "trace_id": testTrace, "panic": "secret",
	} {
		if record[key] != want {
			t.Errorf("%s = %v, want %v", key, record[key], want)
		}
	}
	out.wantCount(t, `go_panic_total{kind="http",route="/orders"} 1`)
}

func TestHTTPPanicAfterWriteCutsConnection(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"write": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
			panic("late")
		},
		"header": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusOK)
			panic("late")
		},
		"flush": func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			panic("late")
		},
		"copy": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.Copy(w, strings.NewReader("some"))
			panic("late")
		},
	} {
		t.Run(name, func(t *testing.T) {
			server, out := serve(t, map[string]http.HandlerFunc{"/": handler})
			status, body, err := get(t, server.URL)
			if err == nil {
				t.Errorf("the client took %d %q for a whole response", status, body)
			}
			if got := out.only(t)["panic"]; got != "late" {
				t.Errorf("panic = %v", got)
			}
		})
	}
}

func TestHTTPInformationalStatusIsNoResponse(t *testing.T) {
	server, _ := serve(t, map[string]http.HandlerFunc{
		"/": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			panic("early")
		},
	})
	if status, _, err := get(t, server.URL); err != nil || status != http.StatusInternalServerError {
		t.Errorf("got %d, %v", status, err)
	}
}

func TestHTTPAbortIsPassedOn(t *testing.T) {
	server, out := serve(t, map[string]http.HandlerFunc{
		"/": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	})
	if status, _, err := get(t, server.URL); err == nil {
		t.Errorf("got status %d, want a connection that is cut", status)
	}
	if records := out.records(t); len(records) != 0 {
		t.Errorf("logged %v", records)
	}
}

func TestHTTPWithoutPanic(t *testing.T) {
	server, out := serve(t, map[string]http.HandlerFunc{
		"/": func(w http.ResponseWriter, r *http.Request) {
			if route, _ := pprof.Label(r.Context(), "route"); route != "/" {
				t.Errorf("label route = %q", route)
			}
			if _, ok := w.(http.Hijacker); !ok {
				t.Error("the response writer cannot be hijacked")
			}
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Errorf("flush: %v", err)
			}
			_, _ = io.WriteString(w, "fine")
		},
	})
	if status, body, err := get(t, server.URL); status != http.StatusOK || body != "fine" || err != nil {
		t.Errorf("got %d %q %v", status, body, err)
	}
	if records := out.records(t); len(records) != 0 {
		t.Errorf("logged %v", records)
	}
}

func TestHTTPHijackedConnectionIsLeftAlone(t *testing.T) {
	server, out := serve(t, map[string]http.HandlerFunc{
		"/": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Errorf("hijack: %v", err)
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown")
			panic("late")
		},
	})
	if status, body, err := get(t, server.URL); status != http.StatusOK || body != "own" || err != nil {
		t.Errorf("got %d %q %v", status, body, err)
	}
	if got := out.only(t)["panic"]; got != "late" {
		t.Errorf("panic = %v", got)
	}
}

func TestHTTPManyPanicsAtOnce(t *testing.T) {
	const requests = 50
	server, out := serve(t, map[string]http.HandlerFunc{
		"/": func(http.ResponseWriter, *http.Request) { panic(errors.New("boom")) },
	})
	var wg sync.WaitGroup
	for i := 0; i < requests; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if status, _, err := get(t, server.URL); status != http.StatusInternalServerError || err != nil {
				t.Errorf("got %d, %v", status, err)
			}
		}()
	}
	wg.Wait()
	if got := len(out.records(t)); got != requests {
		t.Errorf("%d log records, want %d", got, requests)
	}
	out.wantCount(t, `go_panic_total{kind="http",route="/"} 50`)
}
