package route

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/api/access"
	"stopline.internal/api/wire"
)

// Route is one operation: a line of a room's table.
type Route struct {
	Method  string
	Path    string
	ID      string        // of the operation; clients are generated with it
	Roles   []access.Role // that may do it; the first is whose page of /docs it stands on
	Errors  []int         // answers beside those that every operation of its method has
	EN, ZH  string        // what it does, in English and Chinese
	Handler Handler

	// Describe says what the types of the handler do not; nil: they say all.
	Describe func(huma.API, *huma.Operation)
}

// Handler registers the function that answers an operation.
type Handler func(huma.API, huma.Operation)

// Handle answers an operation with a function from what is asked to what is
// answered. The API document is made from both types.
func Handle[I, O any](f func(context.Context, *I) (*O, error)) Handler {
	return func(api huma.API, op huma.Operation) { huma.Register(api, op, f) }
}

// MaxBody bounds the body of any request, in bytes.
const MaxBody = 1 << 20

// IdempotencyHeader is the name of draft-ietf-httpapi-idempotency-key-header.
const IdempotencyHeader = "Idempotency-Key"

// MaxIdempotencyKey bounds its value, in bytes.
const MaxIdempotencyKey = 255

// idempotencyParameter describes the header in the API document.
var idempotencyParameter = &huma.Param{Name: IdempotencyHeader, In: "header",
	Schema: &huma.Schema{Type: huma.TypeString, MaxLength: new(MaxIdempotencyKey)},
	Description: "Of your own making, for one change: with the same key the same request gets the first one's " +
		"answer again, for a day. It may be left out"}

// Register adds the routes to the API.
func Register(api huma.API, routes []Route) {
	for i := range routes {
		r := &routes[i]
		op := r.operation(api)
		if r.Describe != nil {
			r.Describe(api, &op)
		}
		r.Handler(api, op)
	}
}

// operation is the route as the framework wants it, with the check of who calls.
func (r *Route) operation(api huma.API) huma.Operation {
	op := huma.Operation{Method: r.Method, Path: r.Path, OperationID: r.ID, Summary: r.EN, MaxBodyBytes: MaxBody,
		Security: []map[string][]string{{"key": {}}},
		Errors:   append([]int{http.StatusUnauthorized, http.StatusForbidden}, r.Errors...)}
	if r.Method != http.MethodGet && r.Method != http.MethodDelete { // what any body may meet
		op.Errors = append(op.Errors, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if r.Method != http.MethodGet {
		op.Errors = append(op.Errors, http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity)
		op.Parameters = append(op.Parameters, idempotencyParameter)
	}
	slices.Sort(op.Errors)
	op.Errors = slices.Compact(op.Errors)
	names := make([]string, len(r.Roles))
	for i, role := range r.Roles {
		names[i] = string(role)
	}
	op.Description = "For: " + strings.Join(names, ", ") + "."
	op.Tags = names[:1]
	op.Middlewares = huma.Middlewares{only(api, r.Roles, names)}
	return op
}

// only lets callers with one of the roles through.
func only(api huma.API, roles []access.Role, names []string) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		id := access.Known(ctx.Context())
		switch {
		case id == nil:
			ctx.SetHeader("WWW-Authenticate", challenge(ctx.Header("Authorization")))
			_ = huma.WriteErr(api, ctx, http.StatusUnauthorized, "",
				wire.NewProblem(http.StatusUnauthorized, "access.key"))
		case !slices.Contains(roles, id.Role):
			_ = huma.WriteErr(api, ctx, http.StatusForbidden, "",
				wire.NewProblem(http.StatusForbidden, "access.role", "role", id.Role, "allowed", names))
		default:
			next(ctx)
		}
	}
}

// challenge is the WWW-Authenticate of an answer 401 (RFC 6750).
func challenge(authorization string) string {
	if authorization == "" {
		return `Bearer realm="stopline"`
	}
	return `Bearer realm="stopline", error="invalid_token"`
}

// Document describes an answer 200 that the handler's type does not: by content
// type, what it is.
func Document(description string, content map[string]*huma.MediaType) func(huma.API, *huma.Operation) {
	return func(_ huma.API, op *huma.Operation) {
		op.Responses = map[string]*huma.Response{"200": {Description: description, Content: content}}
	}
}

// OwnRules leaves a document's checks to its own parser, whose rules say more than
// its schema and name every field.
func OwnRules(_ huma.API, op *huma.Operation) { op.SkipValidateBody = true }
