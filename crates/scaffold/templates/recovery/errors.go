package recovery

import (
	"encoding/json"
	"errors"
	"net/http"
)

// Class says what a caller should do about an error.
type Class int

// The classes of errors.
const (
	// Unclassified errors are not retried and are answered as internal.
	Unclassified Class = iota
	// ClassTransient errors may go away: the call is worth a retry, with backoff.
	ClassTransient
	// ClassBusiness errors are answers. The same call gets the same one: they are never retried.
	ClassBusiness
	// ClassFatal errors are bugs: panics, caught at a boundary.
	ClassFatal
)

// Classify returns the class of err. A panic in its chain makes it fatal, a business error makes it
// a business error, whatever else is there.
func Classify(err error) Class {
	var (
		panicked  *PanicError
		business  *BusinessError
		transient *TransientError
	)
	switch {
	case errors.As(err, &panicked):
		return ClassFatal
	case errors.As(err, &business):
		return ClassBusiness
	case errors.As(err, &transient):
		return ClassTransient
	default:
		return Unclassified
	}
}

// TransientError is a failure that may go away by itself: a timeout, a refused connection, a lock
// that somebody else holds.
type TransientError struct {
	// Err is what happened.
	Err error
}

// Transient marks err as worth a retry. It returns nil if err is nil.
func Transient(err error) error {
	if err == nil {
		return nil
	}
	return &TransientError{Err: err}
}

// Error is the text of the error inside.
func (e *TransientError) Error() string { return e.Err.Error() }

// Unwrap returns the error inside.
func (e *TransientError) Unwrap() error { return e.Err }

// Reason says why a request was turned down, in the terms of HTTP and gRPC.
type Reason int

// The reasons, with the statuses that they become.
const (
	InvalidInput    Reason = iota // 400, InvalidArgument
	Unauthenticated               // 401, Unauthenticated
	Forbidden                     // 403, PermissionDenied
	NotFound                      // 404, NotFound
	Conflict                      // 409, AlreadyExists
	Unprocessable                 // 422, FailedPrecondition
	LimitExceeded                 // 429, ResourceExhausted
)

// BusinessError is an answer that is not the one hoped for. Clients see its code and message.
type BusinessError struct {
	Reason Reason
	// Code is for programs, such as "order_not_found".
	Code string
	// Message is for people.
	Message string
	// Err is the cause, if any. Clients do not see it.
	Err error
}

// Business makes a business error.
func Business(reason Reason, code, message string) error {
	return &BusinessError{Reason: reason, Code: code, Message: message}
}

// Error has code, message and cause.
func (e *BusinessError) Error() string {
	text := e.Code + ": " + e.Message
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *BusinessError) Unwrap() error { return e.Err }

// asBusiness returns the business error in the chain of err, or nil.
func asBusiness(err error) *BusinessError {
	var business *BusinessError
	errors.As(err, &business)
	return business
}

// HTTPStatus returns the status that answers err.
func HTTPStatus(err error) int {
	switch Classify(err) {
	case ClassBusiness:
		return asBusiness(err).Reason.httpStatus()
	case ClassTransient:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

func (r Reason) httpStatus() int {
	switch r {
	case InvalidInput:
		return http.StatusBadRequest
	case Unauthenticated:
		return http.StatusUnauthorized
	case Forbidden:
		return http.StatusForbidden
	case NotFound:
		return http.StatusNotFound
	case Conflict:
		return http.StatusConflict
	case Unprocessable:
		return http.StatusUnprocessableEntity
	case LimitExceeded:
		return http.StatusTooManyRequests
	default:
		return http.StatusInternalServerError
	}
}

// WriteError answers a request with err: its status, and a JSON object with "code" and "message".
// Nothing of an error that is not a business error is shown.
func WriteError(w http.ResponseWriter, err error) {
	status := HTTPStatus(err)
	answer := struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}{"internal", "internal server error"}
	switch Classify(err) {
	case ClassBusiness:
		business := asBusiness(err)
		answer.Code, answer.Message = business.Code, business.Message
	case ClassTransient:
		answer.Code, answer.Message = "unavailable", "try again later"
		w.Header().Set("Retry-After", "1")
	}
	// They speak of the response that the handler had begun to prepare.
	for _, name := range []string{"Content-Length", "Content-Encoding", "Etag", "Last-Modified", "Cache-Control"} {
		w.Header().Del(name)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// The client is gone if this fails; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(answer)
}
