package ledger

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"stopline.internal/store/ledger/stop"
)

// Query is what somebody looks for, as they say it: each part that is there may
// find something.
type Query struct {
	Text  string   // as it was typed: an id or its beginning, an account, a transfer, a number, a part of a name
	Phone string   // the same as a telephone number, as the log has it
	Tail  string   // the last digits of an account or a telephone number
	Minor int64    // an amount; 0: none
	Banks []string // codes
}

// The least of what finds by a part, so that not everything is found.
const (
	leastID   = 6 // characters of an id behind its kind: pages show ten
	leastName = 2 // characters of a name
)

// Search finds stops and cases, the newest first, at most limit of each.
func (l *Ledger) Search(q Query, limit int) (stops []*stop.Stop, cases []string) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, s := range l.stops {
		if q.findsStop(s) {
			stops = append(stops, s)
		}
	}
	slices.SortFunc(stops, newestFirst)
	stops = stops[:min(len(stops), limit)]
	copyAll(stops)
	found := map[string]bool{}
	for id, c := range l.cases {
		if root := l.root(id); !found[root] && q.findsCase(c) {
			found[root] = true
			cases = append(cases, root)
		}
	}
	slices.SortFunc(cases, func(a, b string) int {
		return cmp.Or(cmp.Compare(l.cases[b].OpenedAt, l.cases[a].OpenedAt), cmp.Compare(a, b))
	})
	return stops, cases[:min(len(cases), limit)]
}

// named says whether a text is a part of a name.
func (q *Query) named(name string) bool {
	return utf8.RuneCountInString(q.Text) >= leastName && strings.Contains(name, q.Text)
}

// begins says whether an id begins as was typed, with its kind ("cas_") or without,
// as pages show it, in capitals or not.
func (q *Query) begins(id string) bool {
	_, short, _ := strings.Cut(id, "_")
	text := strings.ToUpper(q.Text)
	if _, rest, kind := strings.Cut(text, "_"); kind && len(rest) > 0 {
		text = rest
		if !strings.EqualFold(q.Text[:len(q.Text)-len(rest)], id[:len(id)-len(short)]) {
			return false
		}
	}
	return len(text) >= leastID && strings.HasPrefix(short, text)
}

// ends says whether a number ends with the digits that are looked for.
func (q *Query) ends(number string) bool { return q.Tail != "" && strings.HasSuffix(number, q.Tail) }

// findsStop says whether the stop is looked for.
func (q *Query) findsStop(s *stop.Stop) bool {
	return q.Text != "" && (s.Account.Number == q.Text || s.Transfer.ID == q.Text || s.Payer == q.Text ||
		q.begins(s.ID) || q.named(s.Account.Holder)) ||
		q.ends(s.Account.Number) || q.ends(s.Payer) ||
		q.Minor > 0 && (s.Minor == q.Minor || s.Transfer.Minor == q.Minor) ||
		slices.Contains(q.Banks, s.Account.Bank)
}

// findsCase says whether the case is looked for.
func (q *Query) findsCase(c *Case) bool {
	if q.Text != "" && q.begins(c.ID) {
		return true
	}
	for i := range c.Reports {
		r := &c.Reports[i]
		if q.Text != "" && (r.ID == q.Text || strings.HasSuffix(r.ID, ":"+q.Text) || q.named(r.Holder)) ||
			q.Phone != "" && r.Phone == q.Phone || q.ends(r.Phone) || q.Minor > 0 && r.Minor == q.Minor {
			return true
		}
	}
	return false
}
