package recovery

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestClassify(t *testing.T) {
	cause := errors.New("cause")
	for name, test := range map[string]struct {
		err  error
		want Class
	}{
		"nil":                      {nil, Unclassified},
		"plain":                    {cause, Unclassified},
		"transient":                {Transient(cause), ClassTransient},
		"wrapped transient":        {fmt.Errorf("call: %w", Transient(cause)), ClassTransient},
		"business":                 {Business(NotFound, "no_order", "no such order"), ClassBusiness},
		"business in transient":    {Transient(Business(Conflict, "taken", "taken")), ClassBusiness},
		"panic":                    {&PanicError{Value: "boom"}, ClassFatal},
		"panic with business":      {&PanicError{Value: Business(NotFound, "x", "y")}, ClassFatal},
		"panic joined with others": {errors.Join(Transient(cause), &PanicError{Value: 1}), ClassFatal},
	} {
		if got := Classify(test.err); got != test.want {
			t.Errorf("%s: got %d, want %d", name, got, test.want)
		}
	}
	if Transient(nil) != nil {
		t.Error("Transient(nil) is not nil")
	}
	if !errors.Is(Transient(cause), cause) {
		t.Error("the cause is lost")
	}
}

func TestWriteError(t *testing.T) {
	for name, test := range map[string]struct {
		err    error
		status int
		body   string
	}{
		"invalid":         {Business(InvalidInput, "bad_id", "id is empty"), 400, `{"code":"bad_id","message":"id is empty"}`},
		"unauthenticated": {Business(Unauthenticated, "a", "b"), 401, `{"code":"a","message":"b"}`},
		"forbidden":       {Business(Forbidden, "a", "b"), 403, `{"code":"a","message":"b"}`},
		"not found":       {fmt.Errorf("get: %w", Business(NotFound, "a", "b")), 404, `{"code":"a","message":"b"}`},
		"conflict":        {Business(Conflict, "a", "b"), 409, `{"code":"a","message":"b"}`},
		"unprocessable":   {Business(Unprocessable, "a", "b"), 422, `{"code":"a","message":"b"}`},
		"limit":           {Business(LimitExceeded, "a", "b"), 429, `{"code":"a","message":"b"}`},
		"unknown reason":  {Business(Reason(99), "a", "b"), 500, `{"code":"a","message":"b"}`},
		"transient":       {Transient(errors.New("secret")), 503, `{"code":"unavailable","message":"try again later"}`},
		"plain":           {errors.New("secret"), 500, `{"code":"internal","message":"internal server error"}`},
		"panic":           {&PanicError{Value: "secret"}, 500, `{"code":"internal","message":"internal server error"}`},
	} {
		response := httptest.NewRecorder()
		WriteError(response, test.err)
		if body := strings.TrimSpace(response.Body.String()); response.Code != test.status || body != test.body {
			t.Errorf("%s: got %d %s, want %d %s", name, response.Code, body, test.status, test.body)
		}
		if got := response.Header().Get("Retry-After") != ""; got != (test.status == 503) {
			t.Errorf("%s: Retry-After: %v", name, got)
		}
	}
}

func TestBusinessErrorKeepsItsCauseToItself(t *testing.T) {
	cause := errors.New("secret")
	err := &BusinessError{Reason: NotFound, Code: "no_order", Message: "no such order", Err: cause}
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "secret") {
		t.Errorf("the log does not get the cause: %v", err)
	}
	response := httptest.NewRecorder()
	WriteError(response, err)
	if strings.Contains(response.Body.String(), "secret") {
		t.Errorf("the client gets the cause: %s", response.Body)
	}
}
