package api

import (
	"bytes"
	"crypto/sha256"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/stream/event"
)

// An answer is kept for a day, as many and as large as this for each identity.
const (
	answerFor       = 24 * time.Hour
	maxAnswers      = 2000
	maxAnswer       = 64 << 10 // bytes of one; a larger one is not kept
	maxAnswersBytes = 8 << 20  // of all
)

// replayedHeader says that an answer is given again.
const replayedHeader = "Idempotency-Replayed"

// answers are those that were given to requests with an Idempotency-Key, by
// identity. Each replica has its own: on another one a request is done as without
// a key. Ids that are derived from what caused them and If-Match are what keeps a
// change from being made twice; docs/api.md names what has neither.
type answers struct {
	clock func() event.Instant
	mu    sync.Mutex
	of    map[string]*kept
}

// kept are the answers of one identity, in the order in which they were used.
type kept struct {
	list  *simplelru.LRU[string, *answer]
	bytes int
}

// answer is one; running until the first request of its key is done.
type answer struct {
	request [sha256.Size]byte
	until   event.Instant
	running bool
	status  int
	header  http.Header
	body    []byte
}

func newAnswers(clock func() event.Instant) *answers {
	return &answers{clock: clock, of: map[string]*kept{}}
}

// keep is the middleware that gives an answer again.
func (a *answers) keep(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := access.Known(r.Context())
		values := r.Header.Values(route.IdempotencyHeader)
		if len(values) == 0 || id == nil || !changes(r) {
			next.ServeHTTP(w, r)
			return
		}
		key, ok := idempotencyKey(values)
		if !ok {
			refuseKey(w, r, http.StatusBadRequest, "idempotency.key")
			return
		}
		request, err := fingerprint(r)
		if err != nil { // too large, or cut off: the route says so
			next.ServeHTTP(w, r)
			return
		}
		owner := event.DerivedID("", id.Name, string(id.Role), id.Bank, id.SHA256, id.Key)
		found, begun := a.begin(owner, key, request)
		switch {
		case begun != nil:
			a.first(w, r, next, owner, key, begun)
		case found.request != request:
			refuseKey(w, r, http.StatusUnprocessableEntity, "idempotency.other")
		case found.running:
			refuseKey(w, r, route.StatusOf("idempotency.running"), "idempotency.running")
		default:
			replay(w, found)
		}
	})
}

// refuseKey answers that the header's key cannot be used.
func refuseKey(w http.ResponseWriter, r *http.Request, status int, code string) {
	route.WriteProblem(w, r, wire.NewProblem(status, code, "header", route.IdempotencyHeader))
}

// idempotencyKey reads the header: a structured field's string, or the bare text
// that most clients send.
func idempotencyKey(values []string) (string, bool) {
	key := strings.TrimSpace(values[0])
	if inner, quoted := strings.CutPrefix(key, `"`); quoted {
		if key, quoted = strings.CutSuffix(inner, `"`); !quoted {
			return "", false
		}
	}
	odd := strings.ContainsFunc(key, func(c rune) bool { return c < 0x20 || c > 0x7e })
	return key, len(values) == 1 && key != "" && len(key) <= route.MaxIdempotencyKey && !odd
}

// fingerprint names a request by what it asks for. The body is read, and put
// back.
func fingerprint(r *http.Request) (sum [sha256.Size]byte, err error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, route.MaxBody+1))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
	if err == nil && len(body) > route.MaxBody {
		err = http.ErrContentLength
	}
	if err != nil {
		return sum, err
	}
	h := sha256.New()
	for _, part := range []string{
		r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Content-Type"), r.Header.Get("If-Match"), string(body),
	} {
		_, _ = io.WriteString(h, event.DerivedID("", part)) // a hash takes everything
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// begin finds the answer of a key, or notes that its first request is running.
func (a *answers) begin(owner, key string, request [sha256.Size]byte) (found answer, begun *answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.of[owner]
	if k == nil {
		k = &kept{}
		forgotten := func(_ string, old *answer) { k.bytes -= len(old.body) }
		k.list, _ = simplelru.NewLRU(maxAnswers, forgotten) // its size is above zero
		a.of[owner] = k
	}
	if old, is := k.list.Get(key); is && (old.running || a.clock() < old.until) {
		return *old, nil
	}
	k.list.Remove(key)
	begun = &answer{request: request, running: true}
	k.list.Add(key, begun)
	return answer{}, begun
}

// first lets the first request of a key through and keeps its answer. What
// failed, and what was asked for too often, may be tried again.
func (a *answers) first(w http.ResponseWriter, r *http.Request, next http.Handler, owner, key string, begun *answer) {
	rec := &recorder{ResponseWriter: w, status: http.StatusOK}
	before := w.Header().Clone()
	done := false
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		k := a.of[owner]
		if now, is := k.list.Peek(key); !is || now != begun {
			return // so many came after it that it is forgotten
		}
		if !done || rec.status >= 500 || rec.status == http.StatusTooManyRequests || rec.large {
			k.list.Remove(key)
			return
		}
		begun.running, begun.until, begun.status, begun.body = false, a.clock().Add(answerFor), rec.status, rec.body.Bytes()
		if rec.header == nil {
			rec.header = w.Header().Clone()
		}
		maps.DeleteFunc(rec.header, func(name string, v []string) bool { return slices.Equal(v, before[name]) })
		begun.header = rec.header
		for k.bytes += len(begun.body); k.bytes > maxAnswersBytes; {
			k.list.RemoveOldest()
		}
	}()
	next.ServeHTTP(rec, r)
	done = true
}

// replay gives an answer again. Headers that were set before the request came to
// its route, such as its id, are those of this exchange.
func replay(w http.ResponseWriter, a answer) {
	maps.Copy(w.Header(), a.header)
	w.Header().Set(replayedHeader, "true")
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client has gone when it fails
}

// recorder keeps what goes through it.
type recorder struct {
	http.ResponseWriter
	status int
	header http.Header // as it was sent
	body   bytes.Buffer
	large  bool
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader notes the status and the headers as they are.
func (r *recorder) WriteHeader(status int) {
	if r.header == nil {
		r.status, r.header = status, r.Header().Clone()
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write notes the body, as far as it is kept.
func (r *recorder) Write(b []byte) (int, error) {
	if r.header == nil {
		r.header = r.Header().Clone()
	}
	if r.large = r.large || r.body.Len()+len(b) > maxAnswer; !r.large {
		r.body.Write(b)
	}
	return r.ResponseWriter.Write(b)
}
