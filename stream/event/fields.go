package event

import (
	"bytes"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// fields are the names that a JSON object may have; nil is a value that is not
// looked into. The field of a list is that of each of its elements.
type fields map[string]fields

func names(list ...string) fields {
	f := fields{}
	for _, n := range list {
		f[n] = nil
	}
	return f
}

func (f fields) with(name string, inner fields) fields {
	f[name] = inner
	return f
}

// kindFields are those of each kind of document.
var kindFields = map[string]fields{
	"transfer": names("kind", "id", "at", "amount", "currency", "channel", "status", "payer_balance", "payee_balance",
		"device", "purpose", "district", "uetr", "end_to_end_id", "clearing", "mcc").
		with("payer", names("account", "bank", "holder", "phone")).
		with("payee", names("account", "bank", "holder", "phone")),
	"call": names("kind", "id", "at", "phase", "duration_s", "spoofed").
		with("caller", names("number", "imei", "cell")).with("callee", names("number", "imei", "cell")),
	"message": names("kind", "id", "at", "sender", "recipient", "link_host"),
	"sim":     names("kind", "id", "at", "number", "change"),
	"report": names("kind", "id", "at", "source", "district", "fraud_type", "callers").
		with("victim", names("holder", "phone")).
		with("transfers", names("id", "payer_account", "payee_account", "payee_bank", "amount", "currency", "at")),
	"watch": names("kind", "entity", "risk", "reason", "until"),
}

// rest points at the document's fields that no kind of document has, without
// indices. Those of another kind are not among them: to tell them apart takes a
// second reading, and a slip of the pen hardly ever makes one.
func (d *document) rest() (found []string) {
	for _, part := range [...]struct {
		at   jsontext.Pointer
		rest jsontext.Value
	}{
		{"", d.Rest}, {"/payer", d.Payer.Rest}, {"/payee", d.Payee.Rest},
		{"/caller", d.Caller.Rest}, {"/callee", d.Callee.Rest}, {"/victim", d.Victim.Rest},
	} {
		if len(part.rest) > 0 {
			found = append(found, unknownFields(fields{}, part.rest, part.at)...)
		}
	}
	for i := range d.Transfers {
		if rest := d.Transfers[i].Rest; len(rest) > 0 && len(found) < maxUnknown {
			found = append(found, unknownFields(fields{}, rest, "/transfers")...)
		}
	}
	return found
}

// maxUnknown bounds how many fields of one document are named.
const maxUnknown = 50

// unknownFields points at the fields of a JSON value that are not among the
// known, such as /transfers/0/amout. It is known to be JSON.
func unknownFields(known fields, value []byte, at jsontext.Pointer) []string {
	w := walker{dec: jsontext.NewDecoder(bytes.NewReader(value))}
	w.value(known, at)
	return w.found
}

type walker struct {
	dec   *jsontext.Decoder
	found []string
}

// value reads one value and looks into it as far as its fields are known.
func (w *walker) value(known fields, at jsontext.Pointer) {
	switch kind := w.dec.PeekKind(); {
	case known != nil && kind == jsontext.KindBeginObject:
		w.object(known, at)
	case known != nil && kind == jsontext.KindBeginArray:
		w.list(known, at)
	default:
		_ = w.dec.SkipValue() // it was read before, and is JSON
	}
}

func (w *walker) object(known fields, at jsontext.Pointer) {
	_, _ = w.dec.ReadToken() // {
	for w.dec.PeekKind() == jsontext.KindString {
		token, err := w.dec.ReadToken()
		if err != nil {
			return
		}
		name := token.String()
		inner, is := known[name]
		if !is && len(w.found) < maxUnknown {
			w.found = append(w.found, string(at.AppendToken(name)))
		}
		w.value(inner, at.AppendToken(name))
	}
	_, _ = w.dec.ReadToken() // }
}

func (w *walker) list(known fields, at jsontext.Pointer) {
	_, _ = w.dec.ReadToken() // [
	for i := 0; ; i++ {
		if k := w.dec.PeekKind(); k == jsontext.KindEndArray || k == jsontext.KindInvalid {
			break
		}
		w.value(known, at.AppendToken(strconv.Itoa(i)))
	}
	_, _ = w.dec.ReadToken() // ]
}
