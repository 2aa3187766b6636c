package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"stopline.internal/stream/event"
)

// A bank that no register has is not asked for a stop: the report, the proposal
// and the answer that name it say so, over HTTP and on Kafka. Payments that are
// merely seen may name any; what the statistics are taken by is closed.
func TestVocabulariesAreClosed(t *testing.T) {
	h := newHarness(t)
	k := h.keys()
	unknown := func(key, path, body, pointer string) {
		t.Helper()
		doc := h.refused(http.StatusUnprocessableEntity, key, http.MethodPost, path, body)
		if text := fmt.Sprint(doc["errors"]); !strings.Contains(text, pointer) ||
			!strings.Contains(text, "unknown-bank") || !strings.Contains(text, "--bank-register") {
			t.Errorf("%s: %s", path, text)
		}
	}
	report := reportDoc("one", "391", "191", "5000.00", 60, "")
	foreign := strings.Replace(report, `"PCBC"`, `"ZZZZ"`, 1)
	unknown(k.analyst, "/v1/reports", foreign, "#/transfers/0/payee_bank")
	h.send(h.infra.topics.Reports, strings.Replace(foreign, "{", `{"kind":"report",`, 1))
	h.waitFor("the dead letter", func() bool {
		letters := h.ok(k.supervisor, http.MethodGet, "/v1/dead-letters", "")["items"].([]any)
		return len(letters) == 1 && letters[0].(map[string]any)["reason"] == string(event.ReasonUnknownBank) &&
			total(h.metrics.DeadLetters) == 1
	})

	strange := strings.NewReplacer("520103", "=HYPERLINK(1)", "task-rebate", "something new").Replace(report)
	c := h.ok(k.analyst, http.MethodPost, "/v1/reports", strange)
	id := c["stops"].([]any)[0].(map[string]any)["id"].(string)
	if s := h.ledger.Stop(id); s.District != "" || s.FraudType != event.OtherFraud {
		t.Errorf("the stop's district is %q, its type of fraud %q", s.District, s.FraudType)
	}
	onward := `{"result":"partial","held_amount":"1.00","effective_at":"%[1]s","onward":[{"id":"x","to_account":"9","to_bank":"%[2]s","amount":"5.00","at":"%[1]s"}]}`
	unknown(h.bankKey(id), "/v1/bank/stops/"+id+"/outcome", fmt.Sprintf(onward, wallClock(), "ZZZZ"), "#/onward/0/to_bank")
	h.ok(h.bankKey(id), http.MethodPost, "/v1/bank/stops/"+id+"/outcome", fmt.Sprintf(onward, wallClock(), "aboc"))
	unknown(k.analyst, "/v1/stops", fmt.Sprintf(`{"case_id":"%s","account":{"number":"5","bank":"ZZZZ"},"amount":"5.00","currency":"CNY","transfer":{"id":"y","amount":"5.00","at":"%s"},"fraud_type":"x","reason":"seen"}`,
		c["id"], wallClock()), "#/account/bank")

	h.send(h.infra.topics.Transfers, strings.Replace(transferDoc("t1", "62220001", "62170001", "10.00"), `"ICBK"`,
		`"DEUT"`, 1))
	for _, line := range []string{`stopline_events_total{kind="transfer"} 1`,
		`stopline_unknown_values_total{field="/payer/bank",kind="transfer"} 1`,
		`stopline_unknown_values_total{field="/district",kind="report"} 1`,
		`stopline_unknown_values_total{field="/fraud_type",kind="report"} 1`} {
		h.waitFor(line, func() bool { return strings.Contains(h.text("", "/metrics"), line) })
	}
}
