package iso20022

import (
	_ "embed" // the definitions below
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Limits of a document that comes in.
const (
	maxDepth    = 24
	maxElements = 50_000
)

// node is an element of a document.
type node struct {
	space    string // the namespace of its name
	name     string
	attr     map[string]string
	text     string
	children []*node
}

// child is the first child of the name; an empty one stands in for what is not
// there.
func (n *node) child(path ...string) *node {
	for _, name := range path {
		found := &node{}
		for _, c := range n.children {
			if c.name == name {
				found = c
				break
			}
		}
		n = found
	}
	return n
}

// all lists the children of the name.
func (n *node) all(name string) (out []*node) {
	for _, c := range n.children {
		if c.name == name {
			out = append(out, c)
		}
	}
	return out
}

// read parses a document within the limits. Document type declarations,
// entities beyond XML's own five and processing instructions are refused, so
// that nothing outside of the document is ever fetched or expanded.
func read(doc []byte) (root *node, err error) {
	d := xml.NewDecoder(strings.NewReader(string(doc)))
	var stack []*node
	count := 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("is not well-formed XML: %w", err)
		}
		switch t := tok.(type) {
		case xml.Directive:
			return nil, errors.New("must not have a document type declaration")
		case xml.ProcInst:
			if t.Target != "xml" {
				return nil, errors.New("must not have processing instructions")
			}
		case xml.StartElement:
			if count++; count > maxElements || len(stack) >= maxDepth {
				return nil, fmt.Errorf("is larger than %d elements or deeper than %d", maxElements, maxDepth)
			}
			n := &node{space: t.Name.Space, name: t.Name.Local, attr: map[string]string{}}
			for _, a := range t.Attr {
				n.attr[a.Name.Local] = a.Value
			}
			if len(stack) == 0 {
				if root != nil {
					return nil, errors.New("has two root elements")
				}
				root = n
			} else {
				p := stack[len(stack)-1]
				p.children = append(p.children, n)
			}
			stack = append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 0 {
				stack[len(stack)-1].text += string(t)
			}
		}
	}
	if root == nil {
		return nil, errors.New("is empty")
	}
	return root, nil
}

// element is what a message definition says of one element.
type element struct {
	name     string
	min, max int
	kind     string // a data type, "any" for parts that are not looked into, or "choice"
	children []*element
}

//go:embed definitions.txt
var definitionText string

// spacePrefix begins the namespace of every message; its name and version follow.
const spacePrefix = "urn:iso:std:iso:20022:tech:xsd:"

// definitions are the message definitions by namespace.
var definitions = parseDefinitions(definitionText)

// parseDefinitions reads the outlines: an element a line, deeper by two spaces,
// with how often it may be there (1 ? * +) and its type.
func parseDefinitions(text string) map[string]*element {
	out := map[string]*element{}
	roots := map[bool]string{false: "Document", true: "AppHdr"}
	var stack []*element
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || strings.HasPrefix(trimmed, "#") {
			continue
		}
		depth := (len(line) - len(strings.TrimLeft(line, " "))) / 2
		f := strings.Fields(trimmed)
		if depth == 0 {
			root := &element{name: roots[strings.HasPrefix(f[0], "head.")], min: 1, max: 1}
			out[spacePrefix+f[0]] = root
			stack = []*element{root}
			continue
		}
		e := &element{name: f[0], min: 1, max: 1}
		switch f[1] {
		case "?":
			e.min = 0
		case "*":
			e.min, e.max = 0, 1<<30
		case "+":
			e.max = 1 << 30
		}
		if len(f) > 2 {
			e.kind = f[2]
		}
		stack = stack[:depth]
		parent := stack[depth-1]
		parent.children = append(parent.children, e)
		stack = append(stack, e)
	}
	return out
}

var (
	amount  = regexp.MustCompile(`^[0-9]{1,18}(\.[0-9]{1,5})?$`)
	count15 = regexp.MustCompile(`^[0-9]{1,15}$`)
	code4   = regexp.MustCompile(`^[A-Z0-9]{1,4}$`)
	ccy     = regexp.MustCompile(`^[A-Z]{3}$`)
)

// check says what a document has that its definition has not, or the reverse.
func (e *element) check(n *node, at string) error {
	switch e.kind {
	case "any":
		return nil
	case "choice":
		if len(n.children) != 1 {
			return fmt.Errorf("%s must have exactly one part", at)
		}
	case "someone":
		if !n.says() {
			return fmt.Errorf("%s names nobody", at)
		}
		return nil
	case "":
	default:
		return checkText(e.kind, n, at)
	}
	for _, c := range n.children {
		if c.space != n.space {
			return fmt.Errorf("%s/%s is of another namespace", at, c.name)
		}
	}
	i := 0
	for _, want := range e.children {
		have := 0
		for i < len(n.children) && n.children[i].name == want.name {
			if have++; have > want.max {
				return fmt.Errorf("%s/%s is there too often", at, want.name)
			}
			if err := want.check(n.children[i], at+"/"+want.name); err != nil {
				return err
			}
			i++
		}
		if have < want.min && e.kind != "choice" {
			if i < len(n.children) && !slices.ContainsFunc(e.children,
				func(c *element) bool { return c.name == n.children[i].name }) {
				break // what stands in its place is not of the message
			}
			return fmt.Errorf("%s/%s is missing", at, want.name)
		}
	}
	if i < len(n.children) {
		return fmt.Errorf("%s/%s is not of the message, or not at its place", at, n.children[i].name)
	}
	return nil
}

func checkText(kind string, n *node, at string) error {
	if len(n.children) > 0 {
		return fmt.Errorf("%s must be a value", at)
	}
	text := strings.TrimSpace(n.text)
	ok := true
	switch kind {
	case "text35":
		ok = text != "" && len([]rune(text)) <= 35
	case "text105":
		ok = text != "" && len([]rune(text)) <= 105
	case "text140":
		ok = text != "" && len([]rune(text)) <= 140
	case "code4":
		ok = code4.MatchString(text)
	case "amount":
		ok = amount.MatchString(text) && ccy.MatchString(n.attr["Ccy"])
	case "count":
		ok = count15.MatchString(text)
	case "datetime":
		_, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			_, err = time.Parse("2006-01-02T15:04:05.999999999", text)
		}
		ok = err == nil
	case "date":
		_, err := time.Parse(time.DateOnly, text)
		ok = err == nil
	case "status":
		ok = text == "ACCR" || text == "PDCR" || text == "RJCR"
	}
	if !ok {
		return fmt.Errorf("%s: %q is no %s", at, text, kind)
	}
	return nil
}
