// Package words is what the service says to people: a message is a code and its
// values, and one catalogue has the words of each code in Chinese and in English.
//
// Who refuses something makes a [Message] and knows no language; the words are
// made at the edge, in the language of whoever reads them. The console is served
// the same catalogue. The package imports nothing of ours, so that every room can
// speak through it.
package words

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Language is one of those that the service speaks.
type Language int

// The languages, in the order of a phrase.
const (
	Chinese Language = iota
	English
)

// String is the language's tag.
func (l Language) String() string { return [...]string{"zh", "en"}[l] }

// Values are what a message says beside its code, by name: a text, a number, a
// list of texts, a [time.Duration], an amount or a moment.
type Values map[string]any

// Amounts and moments, as the rooms above know them.
type (
	amount interface {
		Text() string   // for people: "¥1,234.50"
		String() string // exact: "1234.50 CNY"
	}
	moment interface {
		Time() time.Time // in the service's zone
		String() string  // RFC 3339
	}
)

// Message is something that the service says. The zero value says nothing: a
// refusal that is empty is none.
type Message struct {
	Code   string
	Values Values
}

// New makes a message of a code and its values: a name and a value, and so on.
func New(code string, pairs ...any) Message {
	m := Message{Code: code}
	for i := 0; i+1 < len(pairs); i += 2 {
		if m.Values == nil {
			m.Values = Values{}
		}
		m.Values[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

// None says whether there is nothing to say.
func (m Message) None() bool { return m.Code == "" }

// Error is the message in English: a message may be an error's reason.
func (m Message) Error() string { return m.In(English) }

// phrase is a message's template, in Chinese and in English. {name} is a value as
// it stands; {name:kind} is written as its kind is: money, time, span, list, or a
// group of names.
type phrase [2]string

var hole = regexp.MustCompile(`\{(\w+)(?::([\w-]+))?\}`)

// In writes the message in a language. A code that is not in the catalogue, which
// a newer program may have written, is written as it stands.
func (m Message) In(l Language) string {
	p, known := catalogue[m.Code]
	if !known {
		return m.Code
	}
	return hole.ReplaceAllStringFunc(p[l], func(h string) string {
		part := hole.FindStringSubmatch(h)
		return write(m.Values[part[1]], part[2], l)
	})
}

// write puts a value into words. What it is decides how; its kind names the group
// that translates it.
func write(v any, kind string, l Language) string {
	switch v := v.(type) {
	case amount:
		return v.Text()
	case time.Duration:
		return span(v, l)
	case moment:
		return v.Time().Format("01-02 15:04")
	case []string:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = Name(kind, v[i], l)
		}
		return strings.Join(parts, [...]string{"、", ", "}[l])
	case nil:
		return ""
	}
	return Name(kind, fmt.Sprint(v), l)
}

// Name is a word of a group, such as a state of a stop; what the group does not
// have stays as it is.
func Name(group, value string, l Language) string {
	if p, known := names[group][value]; known {
		return p[l]
	}
	return value
}

// Named says whether a group has a value.
func Named(group, value string) bool {
	_, known := names[group][value]
	return known
}

// Page is a word of the console's pages in both languages; known is false where
// there is none.
func Page(word string) (zh, en string, known bool) {
	p, known := pages[word]
	return p[Chinese], p[English], known
}

// Pages lists the words of the console's pages.
func Pages() []string { return slices.Sorted(maps.Keys(pages)) }

// span is a length of time as people say it: in days from three on, else in the
// largest unit that is whole.
func span(d time.Duration, l Language) string {
	const day = 24 * time.Hour
	for _, u := range []struct {
		of        time.Duration
		from      time.Duration
		one, more phrase
	}{
		{day, 3 * day, phrase{"天", "day"}, phrase{"天", "days"}},
		{time.Hour, time.Hour, phrase{"小时", "hour"}, phrase{"小时", "hours"}},
		{time.Minute, time.Minute, phrase{"分钟", "minute"}, phrase{"分钟", "minutes"}},
		{time.Second, 0, phrase{"秒", "second"}, phrase{"秒", "seconds"}},
	} {
		if d < u.from || d%u.of != 0 && u.of > time.Second {
			continue
		}
		n := int64(d / u.of)
		word := u.more[l]
		if n == 1 {
			word = u.one[l]
		}
		return strconv.FormatInt(n, 10) + " " + word
	}
	return d.String()
}

// MarshalJSON writes values as documents carry them: an amount as "1234.50 CNY",
// a moment as RFC 3339, a length of time as "48h0m0s"; numbers, texts and lists
// as they are.
func (v Values) MarshalJSON() ([]byte, error) {
	out := make(map[string]any, len(v))
	for name, value := range v {
		if s, is := value.(fmt.Stringer); is {
			value = s.String()
		}
		out[name] = value
	}
	return json.Marshal(out)
}

// Known says whether the catalogue has a code.
func Known(code string) bool {
	_, known := catalogue[code]
	return known
}

// Codes lists all of the catalogue.
func Codes() []string { return slices.Sorted(maps.Keys(catalogue)) }

// Holes are the names of the values that a code's words take, sorted.
func Holes(code string) []string {
	return holes(catalogue[code][English])
}

func holes(template string) []string {
	var found []string
	for _, h := range hole.FindAllStringSubmatch(template, -1) {
		if !slices.Contains(found, h[1]) {
			found = append(found, h[1])
		}
	}
	slices.Sort(found)
	return found
}

// Template is the text of a code before its values are put in, as the page of the
// codes shows it.
func Template(code string, l Language) string { return catalogue[code][l] }

// Script is the catalogue for the console: a module with the words of each code,
// of each name and of the pages, so that each is written once.
func Script() []byte {
	write := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err) // texts always encode
		}
		return string(b)
	}
	return []byte("// What the service says, by code, and the names that stand in it: Chinese and\n" +
		"// English. Made from the catalogue in stream/event/words.\n" +
		"export const messages = " + write(catalogue) + ";\n" +
		"export const names = " + write(names) + ";\n" +
		"export const words = " + write(pages) + ";\n")
}

// Check says what keeps a message from being said whole: a code that is not in the
// catalogue, or a value that its words take and it has not. For tests.
func (m Message) Check() error {
	if !Known(m.Code) {
		return fmt.Errorf("the code %q is not in the catalogue", m.Code)
	}
	for _, name := range Holes(m.Code) {
		if v, given := m.Values[name]; !given || v == nil {
			return fmt.Errorf("%s has no value %q", m.Code, name)
		}
	}
	return nil
}
