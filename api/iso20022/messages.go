// Package iso20022 speaks the banks' standard: a stop goes out as camt.056, a
// request to cancel a payment for its fraudulent origin; a bank answers with
// camt.029, and confirms that money was paid back with pacs.004. Documents are
// checked against the message definitions' structure, going out and coming in.
// The page docs/iso20022.md says how each field is meant.
package iso20022

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Cancellation asks a bank to hold what came in by a payment.
type Cancellation struct {
	StopID     string // ≤ 35 characters; the answer names it as its case
	TransferID string
	Amount     string // of the transfer
	Currency   string
	At         time.Time // of the transfer
	Hold       string    // how much is to be held, a decimal
	Hours      int
	Holder     string
	Account    string
	Bank       string
	Reason     string // ISO code: FRAD
	Text       string
}

// outgoing is the definition of what goes out.
const outgoing = "camt.056.001.08"

// Request writes camt.056 for stops at one bank; Enveloped has it with the
// business application header.
func Request(id string, now time.Time, bank string, list []Cancellation) ([]byte, error) {
	w := &writer{}
	w.request(id, now, bank, list)
	return w.checked()
}

// Enveloped is [Request] as rails carry it: in ISO's own envelope, behind a
// header that says from whom to whom it goes.
func Enveloped(id string, now time.Time, bank string, list []Cancellation) ([]byte, error) {
	w := &writer{}
	w.open("BizMsgEnvlp", "xmlns", spacePrefix+"nvlp.001.001.01")
	w.open("Hdr")
	w.header(id, now, bank)
	w.end("Hdr")
	w.open("Doc")
	w.request(id, now, bank, list)
	w.end("Doc")
	w.end("BizMsgEnvlp")
	return w.checked()
}

// checked is what was written, if it is what the definitions ask for.
func (w *writer) checked() ([]byte, error) {
	if _, _, err := validate(w.Bytes()); err != nil {
		return nil, fmt.Errorf("%s: %w", outgoing, err)
	}
	return w.Bytes(), nil
}

func (w *writer) header(id string, now time.Time, bank string) {
	w.open("AppHdr", "xmlns", spacePrefix+"head.001.001.02")
	w.member("Fr", "Stopline")
	w.member("To", bank)
	w.text("BizMsgIdr", clip(id, 35))
	w.text("MsgDefIdr", outgoing)
	w.text("CreDt", now.Format(timeLayout))
	w.end("AppHdr")
}

// timeLayout is how times are written: milliseconds and offset.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

func (w *writer) request(id string, now time.Time, bank string, list []Cancellation) {
	w.open("Document", "xmlns", spacePrefix+outgoing)
	w.open("FIToFIPmtCxlReq")
	w.open("Assgnmt")
	w.text("Id", clip(id, 35))
	w.party("Assgnr", "Stopline")
	w.party("Assgne", bank)
	w.text("CreDtTm", now.Format(timeLayout))
	w.end("Assgnmt")
	w.open("CtrlData")
	w.text("NbOfTxs", strconv.Itoa(len(list)))
	w.end("CtrlData")
	w.open("Undrlyg")
	for i := range list {
		w.cancellation(&list[i])
	}
	w.end("Undrlyg")
	w.end("FIToFIPmtCxlReq")
	w.end("Document")
}

func (w *writer) cancellation(c *Cancellation) {
	w.open("TxInf")
	w.text("CxlId", c.StopID)
	w.open("Case")
	w.text("Id", c.StopID)
	w.party("Cretr", "Stopline")
	w.end("Case")
	if c.TransferID != "" && len([]rune(c.TransferID)) <= 35 {
		w.text("OrgnlTxId", c.TransferID)
	}
	w.open("OrgnlIntrBkSttlmAmt", "Ccy", c.Currency)
	w.value(c.Amount)
	w.end("OrgnlIntrBkSttlmAmt")
	w.text("OrgnlIntrBkSttlmDt", c.At.Format(time.DateOnly))
	w.open("CxlRsnInf")
	w.open("Rsn")
	w.text("Cd", c.Reason)
	w.end("Rsn")
	w.text("AddtlInf", fmt.Sprintf("HOLD %s %s FOR %d HOURS", c.Currency, c.Hold, c.Hours))
	w.text("AddtlInf", "TRANSFER AT "+c.At.Format(timeLayout))
	if c.Text != "" {
		w.text("AddtlInf", clip(c.Text, 105))
	}
	w.end("CxlRsnInf")
	w.open("OrgnlTxRef")
	w.open("CdtrAgt")
	w.open("FinInstnId")
	w.open("Othr")
	w.text("Id", clip(c.Bank, 35))
	w.end("Othr")
	w.end("FinInstnId")
	w.end("CdtrAgt")
	if c.Holder != "" {
		w.open("Cdtr")
		w.open("Pty")
		w.text("Nm", clip(c.Holder, 140))
		w.end("Pty")
		w.end("Cdtr")
	}
	w.open("CdtrAcct")
	w.open("Id")
	w.open("Othr")
	w.text("Id", clip(c.Account, 34))
	w.end("Othr")
	w.end("Id")
	w.end("CdtrAcct")
	w.end("OrgnlTxRef")
	w.end("TxInf")
}

// Answer is what a bank says of one stop: camt.029, or pacs.004.
type Answer struct {
	StopID    string
	Result    string // acknowledged, held, partial, missed, mismatch, refused, returned
	At        time.Time
	Amount    string // held, or paid back; empty where the message has none
	Currency  string
	Reason    string // code and words
	Reference string // the bank's own
}

// Parse reads camt.029 or pacs.004, in an envelope or without one. The error
// says where the message differs from its definition, as a path of elements that
// begins at AppHdr or Document.
func Parse(doc []byte) ([]Answer, error) {
	name, root, err := validate(doc)
	if err != nil {
		return nil, err
	}
	switch name {
	case "camt.029.001.09":
		return resolution(root.child("RsltnOfInvstgtn"))
	case "pacs.004.001.09":
		return payments(root.child("PmtRtr"))
	}
	return nil, errors.New("is a request: banks send camt.029.001.09 or pacs.004.001.09")
}

// resolution reads camt.029: the status of each transaction, or of the whole.
func resolution(r *node) ([]Answer, error) {
	at, err := moment(r.child("Assgnmt", "CreDtTm").text)
	if err != nil {
		return nil, err
	}
	whole := strings.TrimSpace(r.child("Sts", "Conf").text)
	var out []Answer
	for _, details := range r.all("CxlDtls") {
		for i, tx := range details.all("TxInfAndSts") {
			a := Answer{At: at, StopID: strings.TrimSpace(tx.child("RslvdCase", "Id").text),
				Reference: strings.TrimSpace(tx.child("CxlStsId").text)}
			if a.StopID == "" {
				a.StopID = strings.TrimSpace(r.child("RslvdCase", "Id").text)
			}
			if a.StopID == "" {
				return nil, fmt.Errorf("/Document/RsltnOfInvstgtn/CxlDtls/TxInfAndSts[%d]/RslvdCase/Id is missing: it names "+
					"the stop", i+1)
			}
			held := tx.child("RsltnRltdInf", "IntrBkSttlmAmt")
			a.Amount, a.Currency = strings.TrimSpace(held.text), held.attr["Ccy"]
			reason := tx.child("CxlStsRsnInf")
			code := strings.TrimSpace(reason.child("Rsn", "Cd").text)
			words := []string{code}
			for _, n := range reason.all("AddtlInf") {
				words = append(words, strings.TrimSpace(n.text))
			}
			a.Reason = strings.TrimSpace(strings.Join(words, " "))
			if a.Result, err = result(whole, strings.TrimSpace(tx.child("TxCxlSts").text), code); err != nil {
				return nil, err
			}
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("/Document/RsltnOfInvstgtn/CxlDtls/TxInfAndSts is missing: nothing is answered")
	}
	return out, nil
}

// gone are the reasons of a rejection that mean that the money had left.
var gone = []string{"AM04", "PTNA"}

// unknown are those that mean that what was asked does not match an account.
var unknown = []string{"NOOR", "AC01", "BE01"}

// result turns a status into an outcome. The transaction's own wins over that
// of the whole but for PECR, which only the whole can say.
func result(whole, own, code string) (string, error) {
	switch {
	case own == "RJCR" || own == "" && whole == "RJCR":
		switch {
		case slices.Contains(gone, code):
			return "missed", nil
		case slices.Contains(unknown, code):
			return "mismatch", nil
		case code == "":
			return "", errors.New("a rejection needs its reason: CxlStsRsnInf/Rsn/Cd")
		}
		return "refused", nil
	case own == "PDCR" || own == "" && whole == "PDCR":
		return "acknowledged", nil
	case whole == "PECR":
		return "partial", nil
	case own == "ACCR" || whole == "CNCL":
		return "held", nil
	}
	return "", fmt.Errorf("the status %q is none of CNCL, PECR, PDCR, RJCR", whole)
}

// payments reads pacs.004: the parts of one stop's return are summed by the
// caller.
func payments(r *node) ([]Answer, error) {
	at, err := moment(r.child("GrpHdr", "CreDtTm").text)
	if err != nil {
		return nil, err
	}
	txs := r.all("TxInf")
	if n := strings.TrimSpace(r.child("GrpHdr", "NbOfTxs").text); n != strconv.Itoa(len(txs)) {
		return nil, fmt.Errorf("/Document/PmtRtr/GrpHdr/NbOfTxs says %s, and there are %d", n, len(txs))
	}
	var out []Answer
	for i, tx := range txs {
		a := Answer{At: at, Result: "returned", StopID: strings.TrimSpace(tx.child("OrgnlInstrId").text),
			Reference: strings.TrimSpace(tx.child("RtrId").text)}
		if a.StopID == "" {
			return nil, fmt.Errorf("/Document/PmtRtr/TxInf[%d]/OrgnlInstrId is missing: it names the stop", i+1)
		}
		paid := tx.child("RtrdIntrBkSttlmAmt")
		a.Amount, a.Currency = strings.TrimSpace(paid.text), paid.attr["Ccy"]
		a.Reason = strings.TrimSpace(tx.child("RtrRsnInf", "Rsn", "Cd").text)
		out = append(out, a)
	}
	if len(out) == 0 {
		return nil, errors.New("/Document/PmtRtr/TxInf is missing: nothing is paid back")
	}
	return out, nil
}

// moment reads a time; without an offset it is China's.
func moment(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	return time.ParseInLocation("2006-01-02T15:04:05.999999999", text, time.FixedZone("CST", 8*60*60))
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// writer writes elements.
type writer struct{ bytes.Buffer }

func (w *writer) open(name string, attr ...string) {
	if w.Len() == 0 {
		w.WriteString(xml.Header)
	}
	w.WriteString("<" + name)
	for i := 0; i < len(attr); i += 2 {
		w.WriteString(" " + attr[i] + `="`)
		w.value(attr[i+1])
		w.WriteString(`"`)
	}
	w.WriteString(">")
}

func (w *writer) end(name string) { w.WriteString("</" + name + ">") }

func (w *writer) value(s string) { _ = xml.EscapeText(&w.Buffer, []byte(s)) } // a buffer takes everything

func (w *writer) text(name, value string) {
	w.open(name)
	w.value(value)
	w.end(name)
}

// member names one end of a header, as a financial institution.
func (w *writer) member(role, id string) { w.institution(role, "FIId", id) }

func (w *writer) party(role, id string) { w.institution(role, "Agt", id) }

func (w *writer) institution(role, kind, id string) {
	w.open(role)
	w.open(kind)
	w.open("FinInstnId")
	w.open("Othr")
	w.text("Id", clip(id, 35))
	w.end("Othr")
	w.end("FinInstnId")
	w.end(kind)
	w.end(role)
}
