package city

import (
	"encoding/json"
	"fmt"
	"time"

	"stopline.internal/stream/event"
)

// The documents, as EVENTS describes them.
type (
	partyDoc struct {
		Account string `json:"account,omitempty"`
		Bank    string `json:"bank,omitempty"`
		Holder  string `json:"holder,omitempty"`
		Phone   string `json:"phone,omitempty"`
	}
	transferDoc struct {
		Kind         string        `json:"kind"`
		ID           string        `json:"id"`
		At           event.Instant `json:"at"`
		Payer        partyDoc      `json:"payer"`
		Payee        *partyDoc     `json:"payee,omitempty"`
		Amount       string        `json:"amount"`
		Currency     string        `json:"currency"`
		Channel      string        `json:"channel"`
		Status       string        `json:"status"`
		PayerBalance string        `json:"payer_balance,omitempty"`
		Device       string        `json:"device,omitempty"`
		District     string        `json:"district,omitempty"`
	}
	numberDoc struct {
		Number string `json:"number"`
	}
	callDoc struct {
		Kind     string        `json:"kind"`
		ID       string        `json:"id"`
		At       event.Instant `json:"at"`
		Phase    string        `json:"phase"`
		Caller   numberDoc     `json:"caller"`
		Callee   numberDoc     `json:"callee"`
		Duration *int64        `json:"duration_s,omitempty"`
		Spoofed  bool          `json:"spoofed,omitempty"`
	}
	messageDoc struct {
		Kind      string        `json:"kind"`
		ID        string        `json:"id"`
		At        event.Instant `json:"at"`
		Sender    string        `json:"sender"`
		Recipient string        `json:"recipient"`
		LinkHost  string        `json:"link_host,omitempty"`
	}
	simDoc struct {
		Kind   string        `json:"kind"`
		ID     string        `json:"id"`
		At     event.Instant `json:"at"`
		Number string        `json:"number"`
		Change string        `json:"change"`
	}
	reportDoc struct {
		Kind      string           `json:"kind"`
		ID        string           `json:"id"`
		At        event.Instant    `json:"at"`
		Source    string           `json:"source"`
		District  string           `json:"district"`
		FraudType string           `json:"fraud_type"`
		Victim    partyDoc         `json:"victim"`
		Transfers []reportTransfer `json:"transfers"`
		Callers   []string         `json:"callers,omitempty"`
	}
	reportTransfer struct {
		ID           string        `json:"id,omitempty"`
		PayerAccount string        `json:"payer_account"`
		PayeeAccount string        `json:"payee_account"`
		PayeeBank    string        `json:"payee_bank"`
		Amount       string        `json:"amount"`
		Currency     string        `json:"currency"`
		At           event.Instant `json:"at"`
	}
)

func yuan(minor int64) string {
	return event.Money{Minor: minor, Currency: event.CNY}.Decimal()
}

// id makes the next id of a source.
func (c *City) id(source string) string {
	c.ids++
	return fmt.Sprintf("%s-%d-%09d", source, c.cfg.Seed, c.ids)
}

func (c *City) send(topic Topic, kind, key, id string, at event.Instant, doc any) {
	b, err := json.Marshal(doc)
	if err != nil {
		panic(err) // the types above always encode
	}
	c.truth.Events++
	c.out = append(c.out, Doc{At: at, Topic: topic, Key: key, ID: kind + " " + id, JSON: b})
}

func (c *City) party(p *person) partyDoc {
	return partyDoc{p.account, BankCodes[p.bank], p.holder, p.phone}
}

func accountDoc(a *account) partyDoc {
	return partyDoc{Account: a.number, Bank: BankCodes[a.bank], Holder: a.holder}
}

// pay sends a transfer; payee nil is cash. It returns the transfer's id.
func (c *City) pay(payer partyDoc, payee *partyDoc, minor, balance int64, channel, device, district string,
	fraud bool) string {
	id := c.id(payer.Bank)
	if fraud {
		c.truth.Fraud[id] = true
	} else {
		c.truth.Transfers++
	}
	d := transferDoc{Kind: "transfer", ID: id, At: c.now, Payer: payer, Payee: payee, Amount: yuan(minor), Currency: "CNY",
		Channel: channel, Status: "initiated", PayerBalance: yuan(balance), Device: device, District: district}
	if channel == "cash" || channel == "pos" {
		d.Status = "posted"
	}
	c.send(Transfers, "transfer", payer.Account, id, c.now, &d)
	if d.Status == "initiated" && c.ids%5 == 0 {
		d.Status = "posted" // some banks report both
		c.send(Transfers, "transfer", payer.Account, id, c.now, &d)
	}
	return id
}

// call sends the start of a call now and its end when it ends.
func (c *City) call(caller, callee string, length time.Duration, spoofed bool) {
	id := c.id("CM")
	d := callDoc{Kind: "call", ID: id, At: c.now, Phase: "started", Caller: numberDoc{caller},
		Callee: numberDoc{callee}, Spoofed: spoofed}
	c.send(Telecom, "call", callee, id, c.now, &d)
	c.after(length, func() {
		seconds := int64(length / time.Second)
		d.Phase, d.Duration = "ended", &seconds
		c.send(Telecom, "call", callee, id, c.now, &d)
	})
}

func (c *City) message(sender, recipient, host string) {
	id := c.id("CM")
	c.send(Telecom, "message", recipient, id, c.now, &messageDoc{"message", id, c.now, sender, recipient, host})
}

func (c *City) sim(number, change string) {
	id := c.id("CU")
	c.send(Telecom, "sim", number, id, c.now, &simDoc{"sim", id, c.now, number, change})
}
