package event

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"stopline.internal/stream/event/packed"
)

// Legs travel in blocks: one Kafka record holds hundreds of them. A block is a
// head, then the legs one after another; texts are length-prefixed, numbers are
// varints. The head is a version byte, flags, and what the block covers, in fields
// of a fixed width, since its end is known last:
//
//	0 version  1 flags  2 topic  3 partition (4)  7 epoch (8)  15 back (8)  23 from (8)  31 to (8)
const (
	blockVersion = 2
	blockHead    = 39
	blockFirst   = 1 // the flag of [Span.First]
)

// The errors of bytes that are no block of legs, and of one that a newer version
// has written.
var (
	errBlock   = errors.New("not a block of legs")
	errVersion = errors.New("a block of legs in a format that this version does not know")
)

// Span is what a block covers: of one partition of a source all that lies from From
// on and before To, as far as it concerns the block's partition of legs. Whoever
// begins to read the source partition has a higher epoch than everyone before, and
// within an epoch each block begins where the one before it ended. So a reader
// knows a block that was overtaken, and one of somebody who has been replaced.
type Span struct {
	Topic     uint8 // as in [Source]
	Partition int32
	Epoch     int64 // from 1 on; 0 is a block outside of any chain
	From, To  int64 // offsets
	// Back is the epoch in which the source's log was last found cut or made anew:
	// marks from before it are void. 0: never.
	Back  int64
	First bool // it is its epoch's first to the block's partition of legs
}

// BeginBlock appends the head of a block outside of any chain.
func BeginBlock(dst []byte) []byte { return BeginSpan(dst, Span{}) }

// BeginSpan appends the head of a block that begins with a span; where it ends
// [EndSpan] says.
func BeginSpan(dst []byte, s Span) []byte {
	flag := byte(0)
	if s.First {
		flag = blockFirst
	}
	dst = append(dst, blockVersion, flag, s.Topic)
	dst = binary.BigEndian.AppendUint32(dst, uint32(s.Partition))
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.Epoch))
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.Back))
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.From))
	return binary.BigEndian.AppendUint64(dst, uint64(s.To))
}

// EndSpan says where the span of a block ends.
func EndSpan(block []byte, to int64) {
	binary.BigEndian.PutUint64(block[blockHead-8:blockHead], uint64(to))
}

// AppendLeg appends one leg. The payload is what [AppendEvent] made of the
// event, so that an event with three legs is encoded once.
func AppendLeg(dst []byte, t Touch, src Source, payload []byte) []byte {
	dst = append(dst, byte(t.Role), src.Topic)
	dst = binary.AppendUvarint(dst, uint64(src.Partition))
	dst = binary.AppendUvarint(dst, uint64(src.Offset))
	dst = binary.AppendUvarint(dst, uint64(len(t.Prefix)+len(t.Name)))
	dst = append(dst, t.Prefix...)
	dst = append(dst, t.Name...)
	dst = binary.AppendUvarint(dst, uint64(len(payload)))
	return append(dst, payload...)
}

// AppendEvent appends the event's own bytes.
func AppendEvent(dst []byte, e *Event) []byte {
	dst = append(dst, byte(e.Kind))
	dst = appendText(dst, e.ID)
	dst = binary.AppendVarint(dst, int64(e.At))
	switch e.Kind {
	case KindTransfer:
		t := &e.Transfer
		status := byte(t.Status)
		if t.Screened {
			status |= screenedBit
		}
		dst = append(dst, status)
		dst = appendParty(dst, &t.Payer)
		dst = appendParty(dst, &t.Payee)
		dst = binary.AppendVarint(dst, t.Amount.Minor)
		dst = appendText(dst, string(t.Amount.Currency))
		dst = appendText(dst, t.Channel)
		dst = binary.AppendVarint(dst, t.PayerBalance)
		dst = binary.AppendVarint(dst, t.PayeeBalance)
		dst = appendText(dst, t.Device)
		dst = appendText(dst, t.Purpose)
		dst = appendText(dst, t.District)
	case KindCall:
		c := &e.Call
		dst = append(dst, flags(c.Ended, c.Spoofed, c.Foreign))
		dst = appendText(dst, c.Caller)
		dst = appendText(dst, c.Callee)
		dst = appendText(dst, c.IMEI)
		dst = appendText(dst, c.CallerCell)
		dst = appendText(dst, c.CalleeCell)
		dst = binary.AppendVarint(dst, c.Seconds)
	case KindMessage:
		dst = appendText(dst, e.Message.Sender)
		dst = appendText(dst, e.Message.Recipient)
		dst = appendText(dst, e.Message.LinkHost)
	case KindSIM:
		dst = appendText(dst, e.SIM.Number)
		dst = appendText(dst, e.SIM.Change)
	case KindWatch:
		dst = append(dst, flags(e.Watch.Removed, false, false))
		dst = appendText(dst, string(e.Watch.Entity))
		dst = appendText(dst, e.Watch.Risk)
		dst = appendText(dst, e.Watch.Reason)
		dst = binary.AppendVarint(dst, int64(e.Watch.Until))
	case KindRisk:
		dst = appendRisk(dst, &e.Risk)
	case KindControl:
		dst = appendControl(dst, e.Control)
	case KindTaint:
		dst = appendTaint(dst, e.Taint)
	case KindReport:
		dst = appendReport(dst, e.Report)
	}
	return dst
}

func appendRisk(dst []byte, r *Risk) []byte {
	dst = appendText(dst, string(r.Entity))
	dst = appendText(dst, string(r.Origin))
	dst = binary.AppendVarint(dst, int64(r.Since))
	dst = binary.AppendVarint(dst, int64(r.Score))
	dst = appendText(dst, string(r.From))
	dst = appendText(dst, r.Why)
	dst = binary.AppendVarint(dst, int64(r.Hop))
	dst = binary.AppendVarint(dst, r.Minor)
	dst = appendText(dst, r.Cause)
	return dst
}

func appendControl(dst []byte, c *Control) []byte {
	dst = append(dst, flags(c.Removed, false, false))
	for _, t := range []string{c.What, string(c.Entity), c.Pattern, c.As, c.Reason, c.By, c.Text} {
		dst = appendText(dst, t)
	}
	dst = binary.AppendVarint(dst, int64(c.Until))
	return dst
}

func appendTaint(dst []byte, t *Taint) []byte {
	dst = append(dst, flags(t.Held, false, false))
	for _, text := range []string{t.Account, t.Bank, t.Holder, t.CaseID, t.StopID, t.Parent, t.Payer, t.Transfer,
		t.Type, t.District, t.Pattern} {
		dst = appendText(dst, text)
	}
	for _, n := range []int64{t.Minor, t.Offset, t.Whole, int64(t.Hop)} {
		dst = binary.AppendVarint(dst, n)
	}
	dst = binary.AppendUvarint(dst, t.Key)
	return dst
}

func appendReport(dst []byte, r *Report) []byte {
	dst = appendText(dst, r.Source)
	dst = appendText(dst, r.District)
	dst = appendText(dst, r.FraudType)
	dst = appendParty(dst, &r.Victim)
	dst = binary.AppendUvarint(dst, uint64(len(r.Transfers)))
	for i := range r.Transfers {
		t := &r.Transfers[i]
		dst = appendText(dst, t.ID)
		dst = appendText(dst, t.PayerAccount)
		dst = appendText(dst, t.PayeeAccount)
		dst = appendText(dst, t.PayeeBank)
		dst = binary.AppendVarint(dst, t.Amount.Minor)
		dst = appendText(dst, string(t.Amount.Currency))
		dst = binary.AppendVarint(dst, int64(t.At))
		dst = binary.AppendUvarint(dst, uint64(t.Index))
	}
	dst = appendText(dst, r.Owner)
	dst = binary.AppendUvarint(dst, uint64(len(r.Callers)))
	for _, n := range r.Callers {
		dst = appendText(dst, n)
	}
	return dst
}

const screenedBit = 0x80 // of a transfer's status

func appendText(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func appendParty(dst []byte, p *Party) []byte {
	dst = appendText(dst, p.Account)
	dst = appendText(dst, p.Bank)
	dst = appendText(dst, p.Holder)
	return appendText(dst, p.Phone)
}

func flags(a, b, c bool) (f byte) {
	if a {
		f |= 1
	}
	if b {
		f |= 2
	}
	if c {
		f |= 4
	}
	return f
}

// Block reads the legs of one block in turn.
type Block struct {
	packed.Reader
	Span    Span
	payload uint64 // bytes of the event at hand
}

// OpenBlock starts reading a block. The texts of the legs alias b, which must
// not change; a reader clones what it keeps.
func OpenBlock(b []byte) (*Block, error) {
	switch {
	case len(b) > 0 && b[0] > blockVersion:
		return nil, fmt.Errorf("%w: version %d, where %d is the newest known", errVersion, b[0], blockVersion)
	case len(b) < blockHead || b[0] != blockVersion:
		return nil, fmt.Errorf("%w: unknown version", errBlock)
	}
	number := func(at int) int64 { return int64(binary.BigEndian.Uint64(b[at:])) }
	s := Span{First: b[1]&blockFirst != 0, Topic: b[2], Partition: int32(binary.BigEndian.Uint32(b[3:])),
		Epoch: number(7), Back: number(15), From: number(23), To: number(31)}
	if s.Epoch < 0 || s.Back < 0 || s.Back > s.Epoch || s.From < 0 || s.To < s.From {
		return nil, fmt.Errorf("%w: it covers %d to %d in epoch %d", errBlock, s.From, s.To, s.Epoch)
	}
	return &Block{Reader: packed.NewReader(b[blockHead:]), Span: s}, nil
}

// Next reads a leg into l; false at the end, or where the block is damaged,
// which Err then says.
func (b *Block) Next(l *Leg) bool {
	if !b.head(l) {
		return false
	}
	b.event(&l.Event)
	return !b.Failed()
}

// ReadEvent reads what [AppendEvent] made. The texts alias the bytes.
func ReadEvent(b []byte, e *Event) error {
	block := Block{Reader: packed.NewReader(b)}
	block.event(e)
	return block.Err()
}

func (b *Block) event(e *Event) {
	e.Kind = Kind(b.Byte())
	e.ID = b.text()
	e.At = Instant(b.Int())
	switch e.Kind {
	case KindTransfer:
		t := &e.Transfer
		status := b.Byte()
		t.Status, t.Screened = Status(status&^screenedBit), status&screenedBit != 0
		b.party(&t.Payer)
		b.party(&t.Payee)
		t.Amount.Minor = b.Int()
		t.Amount.Currency = Currency(b.text())
		t.Channel = b.text()
		t.PayerBalance = b.Int()
		t.PayeeBalance = b.Int()
		t.Device = b.text()
		t.Purpose = b.text()
		t.District = b.text()
	case KindCall:
		c := &e.Call
		f := b.Byte()
		c.Ended, c.Spoofed, c.Foreign = f&1 != 0, f&2 != 0, f&4 != 0
		c.Caller = b.text()
		c.Callee = b.text()
		c.IMEI = b.text()
		c.CallerCell = b.text()
		c.CalleeCell = b.text()
		c.Seconds = b.Int()
	case KindMessage:
		e.Message = Message{Sender: b.text(), Recipient: b.text(), LinkHost: b.text()}
	case KindSIM:
		e.SIM = SIM{Number: b.text(), Change: b.text()}
	case KindWatch:
		e.Watch.Removed = b.Byte()&1 != 0
		e.Watch.Entity = Entity(b.text())
		e.Watch.Risk = b.text()
		e.Watch.Reason = b.text()
		e.Watch.Until = Instant(b.Int())
	case KindRisk:
		e.Risk = Risk{Entity: Entity(b.text()), Origin: Entity(b.text()), Since: Instant(b.Int()), Score: int(b.Int()),
			From: Entity(b.text()), Why: b.text(),
			Hop: int(b.Int()), Minor: b.Int(), Cause: b.text()}
	case KindControl:
		c := &Control{Removed: b.Byte()&1 != 0, What: b.text(), Entity: Entity(b.text()), Pattern: b.text(), As: b.text(),
			Reason: b.text(), By: b.text(), Text: b.text()}
		c.Until = Instant(b.Int())
		e.Control = c
	case KindTaint:
		t := &Taint{Held: b.Byte()&1 != 0, Account: b.text(), Bank: b.text(), Holder: b.text(), CaseID: b.text(),
			StopID: b.text(), Parent: b.text(), Payer: b.text(),
			Transfer: b.text(), Type: b.text(), District: b.text(), Pattern: b.text(), At: e.At}
		t.Minor, t.Offset, t.Whole, t.Hop = b.Int(), b.Int(), b.Int(), int(b.Int())
		t.Key = b.Uint()
		e.Taint = t
	case KindReport:
		e.Report = b.report()
	default:
		b.Fail()
	}
}

// Skip reads whose leg it is, and passes over the event.
func (b *Block) Skip(l *Leg) bool {
	if !b.head(l) {
		return false
	}
	b.Bytes(b.payload)
	return true
}

// head reads a leg up to its event.
func (b *Block) head(l *Leg) bool {
	if b.Left() == 0 || b.Failed() {
		return false
	}
	l.Role = Role(b.Byte())
	l.Source.Topic = b.Byte()
	l.Source.Partition = int32(b.Uint())
	l.Source.Offset = int64(b.Uint())
	l.Entity = Entity(b.text())
	if b.payload = b.Uint(); b.payload > uint64(b.Left()) {
		b.Fail()
	}
	return !b.Failed()
}

// Err is [errBlock] after a damaged block.
func (b *Block) Err() error {
	if b.Failed() {
		return errBlock
	}
	return nil
}

func (b *Block) report() *Report {
	r := &Report{Source: b.text(), District: b.text(), FraudType: b.text()}
	b.party(&r.Victim)
	n := b.Uint()
	for i := uint64(0); i < n && !b.Failed(); i++ {
		r.Transfers = append(r.Transfers, ReportedTransfer{
			ID: b.text(), PayerAccount: b.text(), PayeeAccount: b.text(), PayeeBank: b.text(),
			Amount: Money{Minor: b.Int(), Currency: Currency(b.text())}, At: Instant(b.Int()), Index: int(b.Uint()),
		})
	}
	r.Owner = b.text()
	n = b.Uint()
	for i := uint64(0); i < n && !b.Failed(); i++ {
		r.Callers = append(r.Callers, b.text())
	}
	return r
}

// text aliases the block's bytes.
func (b *Block) text() string {
	t := b.Bytes(b.Uint())
	if len(t) == 0 {
		return ""
	}
	return unsafe.String(&t[0], len(t))
}

func (b *Block) party(p *Party) {
	p.Account, p.Bank, p.Holder, p.Phone = b.text(), b.text(), b.text(), b.text()
}
