package history

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stopline.internal/stream/event"
)

func TestBuiltInMappingsAreValid(t *testing.T) {
	if len(Names()) < 5 {
		t.Fatalf("built-in mappings: %v", Names())
	}
	for _, n := range Names() {
		if _, err := LoadMapping(n); err != nil {
			t.Error(err)
		}
	}
}

// Amounts are scaled and rounded exactly, never through a float.
func TestAmounts(t *testing.T) {
	m := &Mapping{}
	m.Amount.Currency = "CNY"
	for _, c := range []struct {
		text, scale string
		want        int64
	}{
		{"12.34", "", 1234}, {"12.345", "", 1235}, {"12.344", "", 1234}, {"0.001", "", 0}, {"5", "", 500},
		{"1e-18", "10000", 0},
		{"0.1", "10000", 100_000}, {"0.0000005", "10000", 1}, {"1e3", "", 100_000}, {"0.07", "3", 21}, {"-1", "", -1},
		{"x", "", -1}, {"1e99999999", "", -1}, {"", "", -1},
	} {
		scale, err := scaleOf(c.scale)
		if err != nil {
			t.Fatal(err)
		}
		got, err := (&converter{Mapping: m, scale: scale}).minor(c.text)
		if err != nil {
			got = -1
		}
		if got != c.want {
			t.Errorf("%q times %q: %d fen, want %d (%v)", c.text, c.scale, got, c.want, err)
		}
	}
}

func TestErrorsNameFileLineAndColumn(t *testing.T) {
	dir := t.TempDir()
	read := func(csv string) error {
		path := filepath.Join(dir, "a.csv")
		if err := os.WriteFile(path, []byte(csv), 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := LoadMapping("p2p")
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.Read(path, event.NewNumbers("CN"), nil, func(*Row) error { return nil })
		return err
	}
	const header = "transactionDateTime,id,from_user_id,to_user_id,totalAmount\n"
	for csv, want := range map[string]string{
		"a,b\n":                                   "no column \"from_user_id\"",
		header + "yesterday,1,2,3,5\n":            "a.csv: line 2: transactionDateTime",
		header + "2017-01-08T13:39Z,1,2,3\n":      "wrong number of fields",
		header + "2017-01-08T13:39Z,1,2,3,five\n": "line 2: amount \"five\"",
	} {
		if err := read(csv); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", csv, err, want)
		}
	}
	if err := read(header + "2017-01-08T13:39Z,1,2,3,5\n"); err != nil {
		t.Error(err)
	}
}

func TestReversedRowsChangeSides(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "p.csv")
	if err := os.WriteFile(path, []byte("step,action,amount,nameOrig,oldBalanceOrig,newBalanceOrig,nameDest,oldBalanceDest,newBalanceDest,isFraud\n"+
		"1,CASH_IN,10.00,Aperson,5,15,Aagent,100,90,0\n2,CASH_OUT,15.00,Aperson,15,0,Aagent,90,105,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := LoadMapping("paysim")
	if err != nil {
		t.Fatal(err)
	}
	var rows []Row
	if _, err := m.Read(path, event.NewNumbers("CN"), nil,
		func(r *Row) error { rows = append(rows, *r); return nil }); err != nil {
		t.Fatal(err)
	}
	p := &event.Parser{Limits: event.Limits{Bytes: 1 << 20, String: 256}, Numbers: event.NewNumbers("CN")}
	now := event.InstantOf(time.Date(2026, 2, 1, 0, 0, 0, 0, event.Zone))
	var in, out event.Event
	for i, e := range []*event.Event{&in, &out} {
		doc, err := rows[i].Document()
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Parse(doc, now, e); err != nil {
			t.Fatal(err)
		}
		if e.Transfer != rows[i].Event.Transfer {
			t.Errorf("the document says\n%+v, the row\n%+v", e.Transfer, rows[i].Event.Transfer)
		}
	}
	if in.Transfer.Payer.Account != "AAGENT" || in.Transfer.PayerBalance != 10_000 ||
		in.Transfer.Payee.Account != "APERSON" {
		t.Errorf("cash in: %+v", in.Transfer)
	}
	if out.Transfer.Channel != event.ChannelCash || out.Transfer.Payee.Account != "" || rows[1].Fraud != "APERSON" ||
		rows[0].Fraud != "" {
		t.Errorf("cash out: %+v, fraud %q", out.Transfer, rows[1].Fraud)
	}
}
