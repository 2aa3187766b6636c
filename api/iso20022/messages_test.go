package iso20022

import (
	"strings"
	"testing"
	"time"
)

func answer(conf, tx string) string {
	return `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.029.001.09"><RsltnOfInvstgtn><Assgnmt><Id>1</Id><Assgnr><Agt/></Assgnr><Assgne><Agt/></Assgne><CreDtTm>2026-11-23T10:20:31</CreDtTm></Assgnmt><Sts><Conf>` +
		conf + `</Conf></Sts><CxlDtls><TxInfAndSts><CxlStsId>B1</CxlStsId><RslvdCase><Id>stp_1</Id><Cretr><Agt/></Cretr></RslvdCase>` + tx + `</TxInfAndSts></CxlDtls></RsltnOfInvstgtn></Document>`
}

// Every status, with every reason that means something of its own.
func TestResults(t *testing.T) {
	reason := func(code string) string { return `<CxlStsRsnInf><Rsn><Cd>` + code + `</Cd></Rsn></CxlStsRsnInf>` }
	for _, c := range []struct{ conf, tx, want string }{
		{"CNCL", "", "held"}, {"CNCL", "<TxCxlSts>ACCR</TxCxlSts>", "held"}, {"PECR", "", "partial"}, {"PDCR", "", "acknowledged"},
		{"RJCR", reason("AM04"), "missed"}, {"RJCR", reason("PTNA"), "missed"}, {"RJCR", reason("NOOR"), "mismatch"}, {"RJCR", reason("AC01"), "mismatch"},
		{"RJCR", reason("AC04"), "refused"}, {"RJCR", reason("LEGL"), "refused"}, {"CNCL", "<TxCxlSts>RJCR</TxCxlSts>" + reason("CUST"), "refused"},
	} {
		got, err := Parse([]byte(answer(c.conf, c.tx)))
		if err != nil || len(got) != 1 || got[0].Result != c.want || got[0].StopID != "stp_1" || got[0].Reference != "B1" {
			t.Errorf("%s %s: %+v, %v, want %s", c.conf, c.tx, got, err, c.want)
			continue
		}
		if want := time.Date(2026, 11, 23, 2, 20, 31, 0, time.UTC); !got[0].At.Equal(want) {
			t.Errorf("a time without offset is %s, want China's %s", got[0].At, want)
		}
	}
}

// What is not as the definition has it is refused, with the path; so is what
// could do harm.
func TestRefusals(t *testing.T) {
	good := answer("CNCL", "")
	deep := strings.Repeat("<Agt>", 40) + strings.Repeat("</Agt>", 40)
	for name, c := range map[string]struct{ doc, want string }{
		"empty":                  {"", "empty"},
		"no XML":                 {"{}", "empty"},
		"cut short":              {good[:200], "well-formed"},
		"another namespace":      {strings.Replace(good, "camt.029.001.09", "camt.029.001.03", 1), "namespace"},
		"a missing element":      {strings.Replace(good, "<Id>1</Id>", "", 1), "/Document/RsltnOfInvstgtn/Assgnmt/Id is missing"},
		"an unknown element":     {strings.Replace(good, "<Sts>", "<Extra/><Sts>", 1), "/Document/RsltnOfInvstgtn/Extra"},
		"out of order":           {answer("CNCL", "<OrgnlTxId>1</OrgnlTxId><OrgnlInstrId>1</OrgnlInstrId>"), "OrgnlInstrId"},
		"too often":              {strings.Replace(good, "<CxlStsId>B1</CxlStsId>", "<CxlStsId>B1</CxlStsId><CxlStsId>B2</CxlStsId>", 1), "too often"},
		"two choices":            {answer("CNCL", "<CxlStsRsnInf><Rsn><Cd>AM04</Cd><Prtry>x</Prtry></Rsn></CxlStsRsnInf>"), "exactly one"},
		"too long":               {strings.Replace(good, "B1", strings.Repeat("x", 36), 1), "text35"},
		"no amount":              {answer("PECR", `<RsltnRltdInf><IntrBkSttlmAmt Ccy="CNY">-5</IntrBkSttlmAmt></RsltnRltdInf>`), "amount"},
		"no currency":            {answer("PECR", `<RsltnRltdInf><IntrBkSttlmAmt>5</IntrBkSttlmAmt></RsltnRltdInf>`), "amount"},
		"no reason":              {answer("RJCR", ""), "reason"},
		"no stop":                {strings.Replace(good, "<RslvdCase><Id>stp_1</Id><Cretr><Agt/></Cretr></RslvdCase>", "", 1), "names the stop"},
		"an entity from outside": {`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + strings.Replace(good, "B1", "&e;", 1), "document type"},
		"an entity of nowhere":   {strings.Replace(good, "B1", "&e;", 1), "well-formed"},
		"a processing order":     {"<?php x ?>" + good, "processing"},
		"too deep":               {strings.Replace(good, "<Assgnr><Agt/></Assgnr>", "<Assgnr>"+deep+"</Assgnr>", 1), "deeper"},
		"too large":              {strings.Replace(good, "<Agt/>", strings.Repeat("<Agt/>", 60_000), 1), "larger"},
		"a request":              {string(request(t)), "is a request"},
		"nothing":                {`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.004.001.09"><PmtRtr><GrpHdr><MsgId>1</MsgId><CreDtTm>2026-11-24T10:00:00Z</CreDtTm><NbOfTxs>0</NbOfTxs><SttlmInf/></GrpHdr></PmtRtr></Document>`, "nothing is paid back"},
	} {
		if got, err := Parse([]byte(c.doc)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v, want something with %q", name, got, err, c.want)
		}
	}
}

func request(t testing.TB) []byte {
	t.Helper()
	b, err := Request("msg", time.Unix(0, 0), "PCBC", []Cancellation{{StopID: "stp_1", TransferID: "t<&>", Amount: "9000.00", Currency: "CNY", At: time.Unix(0, 0), Hold: "5000.00", Hours: 48,
		Holder: "李四 & 王五", Account: "6217", Bank: "PCBC", Reason: "FRAD", Text: strings.Repeat("长", 200)}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What goes out is what the definition says, whatever is in it.
func TestRequestIsValid(t *testing.T) {
	if _, root, err := validate(request(t)); err != nil || root.child("FIToFIPmtCxlReq", "Undrlyg", "TxInf", "OrgnlTxId").text != "t<&>" {
		t.Errorf("%v", err)
	}
	if _, err := Request("msg", time.Unix(0, 0), "PCBC", []Cancellation{{StopID: strings.Repeat("s", 40), Amount: "1", Currency: "CNY", Reason: "FRAD"}}); err == nil {
		t.Error("an id that is too long went out")
	}
}

// No bytes bring the reader down.
func FuzzParse(f *testing.F) {
	f.Add([]byte(answer("CNCL", "")))
	f.Add(request(f))
	f.Add([]byte(`<!DOCTYPE x><a/>`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		list, err := Parse(doc)
		if err != nil {
			return
		}
		for _, a := range list {
			if a.StopID == "" || a.Result == "" {
				t.Errorf("taken without stop or result: %+v", a)
			}
		}
	})
}
