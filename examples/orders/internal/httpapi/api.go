// Package httpapi serves orders over HTTP.
package httpapi

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"unpanic.dev/examples/orders/internal/metrics"
	"unpanic.dev/examples/orders/internal/order"
	"unpanic.dev/examples/orders/internal/ratelimit"
	"unpanic.dev/examples/orders/internal/recovery"
	"unpanic.dev/examples/orders/internal/service"
	"unpanic.dev/examples/orders/internal/session"
)

// API is the HTTP side of the service.
type API struct {
	orders   *service.Orders
	sessions *session.Store
	metrics  *metrics.Recorder
	limiter  *ratelimit.Limiter
}

// New makes the API; Handler is what to serve.
func New(
	orders *service.Orders, sessions *session.Store, recorder *metrics.Recorder, limiter *ratelimit.Limiter,
) *API {
	return &API{orders: orders, sessions: sessions, metrics: recorder, limiter: limiter}
}

// Handler has all routes, each guarded against panics.
func (a *API) Handler(guarded *recovery.Recoverer) http.Handler {
	routes := map[string]http.HandlerFunc{
		"POST /orders":     a.place,
		"GET /orders/{id}": a.get,
		"GET /orders":      a.list,
		"GET /back":        a.back,
		"GET /health":      a.health,
	}
	mux := http.NewServeMux()
	for route, handler := range routes {
		mux.Handle(route, a.observed(route, handler))
	}
	return guarded.HTTP(a.limited(a.sessions.Middleware(lastPage(mux))), recovery.MuxRoute(mux))
}

func (a *API) place(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Customer string       `json:"customer"`
		Lines    []order.Line `json:"lines"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&request); err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	placed, err := a.orders.Place(r.Context(), request.Customer, request.Lines)
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusCreated, placed)
}

func (a *API) get(w http.ResponseWriter, r *http.Request) {
	found, err := a.orders.Get(r.PathValue("id"))
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, found)
}

func (a *API) list(w http.ResponseWriter, r *http.Request) {
	reply(w, http.StatusOK, a.orders.OfCustomer(r.URL.Query().Get("customer")))
}

// back sends customers to where they were before they logged in.
func (a *API) back(w http.ResponseWriter, r *http.Request) {
	target := "/"
	if values, ok := session.From(r.Context()); ok && values["last_page"] != "" {
		target = values["last_page"]
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

func (a *API) health(w http.ResponseWriter, _ *http.Request) {
	state := map[string]any{"status": "up"}
	state["sessions"] = a.sessions.Len()
	state["orders"] = a.orders.CountByStatus()
	reply(w, http.StatusOK, state)
}

func fail(w http.ResponseWriter, err error) {
	body := map[string]string{"error": err.Error()}
	status := http.StatusInternalServerError
	if invalid, ok := errors.AsType[*order.InvalidError](err); ok {
		status = http.StatusUnprocessableEntity
		body["field"] = invalid.Field
	} else if errors.Is(err, order.ErrNotFound) {
		status = http.StatusNotFound
	}
	reply(w, status, body)
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		slog.Warn("reply was not sent", "error", err)
	}
}
