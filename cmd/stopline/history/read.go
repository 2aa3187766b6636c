package history

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"stopline.internal/stream/event"
)

// Row is one event that a row of a file became.
type Row struct {
	Event event.Event
	Fraud string // the fraud that the row is part of; empty: none
}

// Progress is called with the bytes of the file that were read since the last call.
type Progress func(bytes int)

// Read streams the rows of a file, plain or .gz, to yield, in their order.
// Rows that move no money (zero, or less than half a minor unit) are counted
// and left out.
func (m *Mapping) Read(path string, numbers *event.Numbers, progress Progress, yield func(*Row) error) (left int,
	err error) {
	f, err := open(path, progress)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r := csv.NewReader(f)
	r.ReuseRecord = true
	if m.Delimiter != "" {
		r.Comma = rune(m.Delimiter[0])
	}
	header, err := r.Read()
	if err != nil {
		return 0, fmt.Errorf("%s: read the header: %w", path, err)
	}
	at, err := columnsOf(path, header, m.columns())
	if err != nil {
		return 0, err
	}
	c := &converter{Mapping: m, numbers: numbers, at: at,
		prefix: m.Source + "-" + strings.SplitN(filepath.Base(path), ".", 2)[0] + "-"}
	if c.scale, err = scaleOf(m.Amount.Scale); err != nil {
		return 0, err
	}
	var row Row
	for n := 2; ; n++ {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return left, nil
		}
		if err != nil {
			return left, fmt.Errorf("%s: %w", path, err)
		}
		ok, err := c.convert(rec, n, &row)
		if err != nil {
			return left, fmt.Errorf("%s: line %d: %w", path, n, err)
		}
		if !ok {
			left++
			continue
		}
		if err := yield(&row); err != nil {
			return left, err
		}
	}
}

// columnsOf finds the columns in a header, or says which are not there.
func columnsOf(path string, header, names []string) (map[string]int, error) {
	at := map[string]int{}
	for i, h := range header {
		at[strings.TrimPrefix(h, "\ufeff")] = i
	}
	for _, n := range names {
		if _, ok := at[n]; !ok {
			return nil, fmt.Errorf("%s has no column %q; its header is %s", path, n, strings.Join(header, ","))
		}
	}
	return at, nil
}

func scaleOf(s string) (*big.Rat, error) {
	if s == "" {
		return nil, nil
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok || r.Sign() <= 0 {
		return nil, fmt.Errorf("amount.scale %q is not a number above zero", s)
	}
	return r, nil
}

// converter makes events of rows.
type converter struct {
	*Mapping
	numbers *event.Numbers
	at      map[string]int
	prefix  string
	scale   *big.Rat
}

func (c *converter) field(rec []string, column string) string {
	if column == "" {
		return ""
	}
	return strings.TrimSpace(rec[c.at[column]])
}

// convert makes a row's event; false where it moves no money.
func (c *converter) convert(rec []string, n int, row *Row) (bool, error) {
	at, err := c.instant(c.field(rec, c.Time.Column))
	if err != nil {
		return false, err
	}
	id := c.prefix + strconv.Itoa(n)
	if v := c.field(rec, c.ID); v != "" {
		id = c.Source + "-" + v
	}
	*row = Row{Event: event.Event{Kind: event.KindTransfer, ID: id, At: at}}
	if c.Kind == "call" {
		row.Event.Kind = event.KindCall
		seconds, err := strconv.ParseInt(c.field(rec, c.Duration), 10, 64)
		if err != nil {
			return false, fmt.Errorf("%s is not a whole number of seconds: %w", c.Duration, err)
		}
		caller := c.numbers.E164(c.field(rec, c.Caller))
		row.Event.Call = event.Call{Ended: true, Caller: caller, Callee: c.numbers.E164(c.field(rec, c.Callee)),
			Seconds: seconds, Foreign: !c.numbers.Home(caller)}
	} else if ok, err := c.transfer(rec, &row.Event.Transfer); !ok || err != nil {
		return false, err
	}
	row.Fraud = c.fraud(rec, &row.Event)
	return true, nil
}

// transfer reads a row's transfer; false where it moves no money.
func (c *converter) transfer(rec []string, t *event.Transfer) (bool, error) {
	minor, err := c.minor(c.field(rec, c.Amount.Column))
	if err != nil || minor == 0 {
		return false, err
	}
	payer, payerBalance, err := c.side(rec, &c.Payer)
	if err != nil {
		return false, err
	}
	payee, payeeBalance, err := c.side(rec, &c.Payee)
	if err != nil {
		return false, err
	}
	if c.Reverse.Column != "" && slices.Contains(c.Reverse.Values, c.field(rec, c.Reverse.Column)) {
		payer, payee, payerBalance, payeeBalance = payee, payer, payeeBalance, payerBalance
	}
	*t = event.Transfer{Payer: payer, Payee: payee,
		Amount:  event.Money{Minor: minor, Currency: event.Currency(c.Amount.Currency)},
		Channel: c.Channel.Default, Status: event.StatusPosted, PayerBalance: payerBalance, PayeeBalance: payeeBalance}
	if v := c.Channel.Values[c.field(rec, c.Channel.Column)]; v != "" {
		t.Channel = v
	}
	if t.Channel == event.ChannelCash {
		t.Payee, t.PayeeBalance = event.Party{}, event.Unknown
	}
	return true, nil
}

func (c *converter) side(rec []string, s *Side) (event.Party, int64, error) {
	p := event.Party{Account: event.PlainAccount(c.field(rec, s.Account)), Bank: strings.ToUpper(c.field(rec, s.Bank))}
	if p.Bank == "" {
		p.Bank = "SIM"
	}
	if phone := c.field(rec, s.Phone); phone != "" {
		p.Phone = c.numbers.E164(phone)
	}
	balance := c.field(rec, s.Balance)
	if balance == "" || strings.HasPrefix(balance, "-") {
		return p, event.Unknown, nil // unknown, or overdrawn: the documents know no negative balance
	}
	minor, err := c.minor(balance)
	return p, minor, err
}

// minor reads an amount exactly and rounds it to the nearest minor unit, half
// away from zero.
func (c *converter) minor(s string) (int64, error) {
	digits, _ := event.Currency(c.Amount.Currency).Digits()
	if c.scale == nil {
		if minor, err := event.ParseMinor(s, digits); err == nil {
			return minor, nil
		}
	}
	if len(s) > 60 {
		return 0, fmt.Errorf("amount %.60q… is too long", s)
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		if exp, err := strconv.Atoi(s[i+1:]); err != nil || exp < -60 || exp > 30 {
			return 0, fmt.Errorf("amount %q has an exponent out of bounds", s)
		}
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok || r.Sign() < 0 {
		return 0, fmt.Errorf("amount %q is not a number of zero or more", s)
	}
	if c.scale != nil {
		r.Mul(r, c.scale)
	}
	for range digits {
		r.Mul(r, big.NewRat(10, 1))
	}
	r.Add(r, big.NewRat(1, 2))
	minor := new(big.Int).Div(r.Num(), r.Denom())
	if !minor.IsInt64() || minor.Int64() > event.MaxMinor {
		return 0, fmt.Errorf("amount %q is above the limit of %d minor units", s, event.MaxMinor)
	}
	return minor.Int64(), nil
}

func (c *converter) instant(s string) (event.Instant, error) {
	switch c.Time.Format {
	case "steps":
		n, err := strconv.ParseInt(s, 10, 32)
		if err != nil {
			return 0, fmt.Errorf("%s %q is not a number of steps", c.Time.Column, s)
		}
		return c.origin.Add(time.Duration(n) * c.Time.Unit), nil
	case "unix", "unix_ms":
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s %q is not a Unix time", c.Time.Column, s)
		}
		if c.Time.Format == "unix" {
			n *= 1000
		}
		return event.Instant(n), nil
	}
	layout := c.Time.Format
	if layout == "rfc3339" || layout == "" {
		if layout = time.RFC3339; len(s) == len("2006-01-02T15:04Z") {
			layout = "2006-01-02T15:04Z07:00" // some leave out seconds of zero
		}
	}
	t, err := time.ParseInLocation(layout, s, event.Zone)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", c.Time.Column, err)
	}
	return event.InstantOf(t), nil
}

// fraud names the fraud that a labelled row is part of.
func (c *converter) fraud(rec []string, e *event.Event) string {
	l := &c.Label
	if l.Column == "" || l.Of != "" || !l.positive(c.field(rec, l.Column)) {
		return ""
	}
	if l.Group != "" {
		return c.field(rec, l.Group)
	}
	if l.GroupBy != nil {
		switch l.GroupBy[c.field(rec, c.Channel.Column)] {
		case "payer":
			return e.Transfer.Payer.Account
		case "payee":
			if e.Transfer.Payee.Account != "" {
				return e.Transfer.Payee.Account
			}
		}
	}
	return "row " + strings.Join(rec, ",")
}

func (l *Label) positive(v string) bool {
	if len(l.Positive) > 0 {
		return slices.Contains(l.Positive, v)
	}
	return v != "" && !slices.Contains(l.Negative, v)
}

// Entities reads the labels file beside the data (or the one named): which
// accounts or numbers are fraudulent, and which are known to be honest. It
// answers nil where the mapping has no such file.
func (m *Mapping) Entities(data, labels string, numbers *event.Numbers) (map[event.Entity]bool, error) {
	l := &m.Label
	if l.Of == "" {
		return nil, nil
	}
	if labels == "" {
		labels = filepath.Join(filepath.Dir(data), l.File)
		if l.File == "" {
			labels = strings.TrimSuffix(strings.TrimSuffix(data, ".gz"), ".csv") + l.Suffix
		}
	}
	names := []string{l.Entities}
	if l.Column != "" {
		names = append(names, l.Column)
	}
	rows, at, err := readAll(labels, names)
	if err != nil {
		return nil, fmt.Errorf("the labels: %w", err)
	}
	out := map[event.Entity]bool{}
	for _, rec := range rows {
		e := event.Entity(event.PrefixAccount + event.PlainAccount(rec[at[l.Entities]]))
		if l.Of == "number" {
			e = event.Entity(event.PrefixNumber + numbers.E164(rec[at[l.Entities]]))
		}
		out[e] = l.Column == "" || l.positive(rec[at[l.Column]])
	}
	return out, nil
}

// open opens a file, plain or gzip, and reports the bytes read of it.
func open(path string, progress Progress) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	src := &counted{f, progress}
	buf := bufio.NewReaderSize(src, 1<<16)
	if !strings.HasSuffix(path, ".gz") {
		return &stream{buf, f, nil}, nil
	}
	z, err := gzip.NewReader(buf)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return &stream{z, f, z}, nil
}

type counted struct {
	r        io.Reader
	progress Progress
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.progress != nil {
		c.progress(n)
	}
	return n, err
}

type stream struct {
	io.Reader
	file *os.File
	zip  *gzip.Reader
}

func (s *stream) Close() error {
	if s.zip != nil {
		return errors.Join(s.zip.Close(), s.file.Close())
	}
	return s.file.Close()
}
