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
		{"CNCL", "", "held"}, {"CNCL", "<TxCxlSts>ACCR</TxCxlSts>", "held"}, {"PECR", "", "partial"},
		{"PDCR", "", "acknowledged"},
		{"RJCR", reason("AM04"), "missed"}, {"RJCR", reason("PTNA"), "missed"}, {"RJCR", reason("NOOR"), "mismatch"},
		{"RJCR", reason("AC01"), "mismatch"},
		{"RJCR", reason("AC04"), "refused"}, {"RJCR", reason("LEGL"), "refused"},
		{"CNCL", "<TxCxlSts>RJCR</TxCxlSts>" + reason("CUST"), "refused"},
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
		"empty":             {"", "empty"},
		"no XML":            {"{}", "empty"},
		"cut short":         {good[:200], "well-formed"},
		"another namespace": {strings.Replace(good, "camt.029.001.09", "camt.029.001.03", 1), "namespace"},
		"a missing element": {strings.Replace(good, "<Id>1</Id>", "", 1),
			"/Document/RsltnOfInvstgtn/Assgnmt/Id is missing"},
		"an unknown element": {strings.Replace(good, "<Sts>", "<Extra/><Sts>", 1), "/Document/RsltnOfInvstgtn/Extra"},
		"out of order":       {answer("CNCL", "<OrgnlTxId>1</OrgnlTxId><OrgnlInstrId>1</OrgnlInstrId>"), "OrgnlInstrId"},
		"too often": {strings.Replace(good, "<CxlStsId>B1</CxlStsId>",
			"<CxlStsId>B1</CxlStsId><CxlStsId>B2</CxlStsId>", 1), "too often"},
		"two choices": {answer("CNCL", "<CxlStsRsnInf><Rsn><Cd>AM04</Cd><Prtry>x</Prtry></Rsn></CxlStsRsnInf>"),
			"exactly one"},
		"too long":  {strings.Replace(good, "B1", strings.Repeat("x", 36), 1), "text35"},
		"no amount": {answer("PECR", `<RsltnRltdInf><IntrBkSttlmAmt Ccy="CNY">-5</IntrBkSttlmAmt></RsltnRltdInf>`), "amount"},
		"no currency": {answer("PECR", `<RsltnRltdInf><IntrBkSttlmAmt>5</IntrBkSttlmAmt></RsltnRltdInf>`),
			"amount"},
		"no reason": {answer("RJCR", ""), "reason"},
		"no stop": {strings.Replace(good, "<RslvdCase><Id>stp_1</Id><Cretr><Agt/></Cretr></RslvdCase>", "",
			1), "names the stop"},
		"an entity from outside": {`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + strings.Replace(good, "B1",
			"&e;", 1), "document type"},
		"an entity of nowhere": {strings.Replace(good, "B1", "&e;", 1), "well-formed"},
		"a processing order":   {"<?php x ?>" + good, "processing"},
		"too deep":             {strings.Replace(good, "<Assgnr><Agt/></Assgnr>", "<Assgnr>"+deep+"</Assgnr>", 1), "deeper"},
		"too large":            {strings.Replace(good, "<Agt/>", strings.Repeat("<Agt/>", 60_000), 1), "larger"},
		"a request":            {string(request(t)), "is a request"},
		"nothing":              {`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.004.001.09"><PmtRtr><GrpHdr><MsgId>1</MsgId><CreDtTm>2026-11-24T10:00:00Z</CreDtTm><NbOfTxs>0</NbOfTxs><SttlmInf/></GrpHdr></PmtRtr></Document>`, "nothing is paid back"},
	} {
		if got, err := Parse([]byte(c.doc)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v, want something with %q", name, got, err, c.want)
		}
	}
}

func request(t testing.TB) []byte {
	t.Helper()
	b, err := Request("msg", time.Unix(0, 0), "PCBC",
		[]Cancellation{{StopID: "stp_1", TransferID: "t<&>", Amount: "9000.00", Currency: "CNY", At: time.Unix(0, 0),
			Hold: "5000.00", Hours: 48,
			Holder: "李四 & 王五", Account: "6217", Bank: "PCBC", Reason: "FRAD", Text: strings.Repeat("长", 200)}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What goes out is what the definition says, whatever is in it.
func TestRequestIsValid(t *testing.T) {
	if _, root, err := validate(request(t)); err != nil ||
		root.child("FIToFIPmtCxlReq", "Undrlyg", "TxInf", "OrgnlTxId").text != "t<&>" {
		t.Errorf("%v", err)
	}
	if _, err := Request("msg", time.Unix(0, 0), "PCBC",
		[]Cancellation{{StopID: strings.Repeat("s", 40), Amount: "1", Currency: "CNY", Reason: "FRAD"}}); err == nil {
		t.Error("an id that is too long went out")
	}
}

const head = `<AppHdr xmlns="urn:iso:std:iso:20022:tech:xsd:head.001.001.02"><Fr><FIId><FinInstnId><BICFI>PCBCCNBJXXX</BICFI></FinInstnId></FIId></Fr><To><OrgId><Nm>Stopline</Nm></OrgId></To><BizMsgIdr>B-1</BizMsgIdr><MsgDefIdr>camt.029.001.09</MsgDefIdr><CreDt>2026-11-23T02:20:31Z</CreDt></AppHdr>`

// envelopes are the ways in which rails wrap a header and a document.
func envelopes(header, document string) map[string]string {
	return map[string]string{
		"plain": "<Envelope>" + header + document + "</Envelope>",
		"SWIFT": `<e:Envelope xmlns:e="urn:swift:xsd:envelope">` + header + document + "</e:Envelope>",
		"ISO": `<BizMsgEnvlp xmlns="urn:iso:std:iso:20022:tech:xsd:nvlp.001.001.01"><Hdr>` + header +
			"</Hdr><Doc>" + document + "</Doc></BizMsgEnvlp>",
		"DataPDU": `<DataPDU xmlns="urn:swift:saa:xsd:saa.2.0"><Revision>2.0.13</Revision><Body>` + header +
			document + "</Body></DataPDU>",
		"other order": "<x>" + document + header + "</x>",
		"with a signature": "<Envelope>" + strings.Replace(header, "</CreDt>",
			`</CreDt><Sgntr><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignatureValue>x</ds:SignatureValue></ds:Signature></Sgntr>`, 1) + document + "</Envelope>",
	}
}

// A message in an envelope is the same message, whichever rail wrapped it.
func TestEnvelopes(t *testing.T) {
	good := answer("PDCR", "")
	for name, doc := range envelopes(head, good) {
		if got, err := Parse([]byte(doc)); err != nil || len(got) != 1 || got[0].StopID != "stp_1" ||
			got[0].Result != "acknowledged" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for _, version := range []string{"head.001.001.01", "head.001.001.03"} {
		if _, err := Parse([]byte("<Envelope>" + strings.Replace(head, "head.001.001.02", version, 1) + good +
			"</Envelope>")); err != nil {
			t.Errorf("%s: %v", version, err)
		}
	}
}

// What is wrong with a header is said by its path.
func TestHeaderRefusals(t *testing.T) {
	good := answer("PDCR", "")
	change := func(from, to string) string {
		if !strings.Contains(head, from) {
			t.Fatalf("the header has no %s", from)
		}
		return "<Envelope>" + strings.Replace(head, from, to, 1) + good + "</Envelope>"
	}
	for name, c := range map[string]struct{ doc, want string }{
		"another message": {change("camt.029.001.09", "camt.029.001.08"),
			`/AppHdr/MsgDefIdr says "camt.029.001.08", and the Document is camt.029.001.09`},
		"another version": {change("head.001.001.02", "head.001.001.09"), "/AppHdr is of the namespace"},
		"no sender": {change("<Fr><FIId><FinInstnId><BICFI>PCBCCNBJXXX</BICFI></FinInstnId></FIId></Fr>", ""),
			"/AppHdr/Fr is missing"},
		"an empty sender":   {change("<BICFI>PCBCCNBJXXX</BICFI>", ""), "/AppHdr/Fr/FIId names nobody"},
		"no receiver":       {change("<To><OrgId><Nm>Stopline</Nm></OrgId></To>", ""), "/AppHdr/To is missing"},
		"no id":             {change("<BizMsgIdr>B-1</BizMsgIdr>", ""), "/AppHdr/BizMsgIdr is missing"},
		"no definition":     {change("<MsgDefIdr>camt.029.001.09</MsgDefIdr>", ""), "/AppHdr/MsgDefIdr is missing"},
		"no time":           {change("2026-11-23T02:20:31Z", "today"), "/AppHdr/CreDt"},
		"no header":         {"<Envelope>" + good + "</Envelope>", "/AppHdr is there 0 times"},
		"two headers":       {"<Envelope>" + head + head + good + "</Envelope>", "/AppHdr is there 2 times"},
		"two documents":     {"<Envelope>" + head + good + good + "</Envelope>", "2 elements Document"},
		"no document":       {"<Envelope>" + head + "</Envelope>", "0 elements Document"},
		"wrapped too deep":  {"<a><b><c><d>" + head + good + "</d></c></b></a>", "0 elements Document"},
		"a foreign element": {change("<BizMsgIdr>", `<BizMsgIdr xmlns="urn:x">`), "another namespace"},
		"a wrong document": {"<Envelope>" + head + strings.Replace(good, "<Sts>", "<Extra/><Sts>", 1) + "</Envelope>",
			"/Document/RsltnOfInvstgtn/Extra"},
		"a declaration": {`<!DOCTYPE x>` + change("B-1", "B-2"), "document type"},
		"too deep in a wrap": {"<Envelope>" + head + strings.Replace(good, "<Assgnr><Agt/></Assgnr>",
			"<Assgnr>"+strings.Repeat("<A>", 30)+strings.Repeat("</A>", 30)+"</Assgnr>", 1) + "</Envelope>", "deeper"},
	} {
		if got, err := Parse([]byte(c.doc)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v, want something with %q", name, got, err, c.want)
		}
	}
}

// What goes out in an envelope has a header of its own, and is read back.
func TestEnvelopedIsValid(t *testing.T) {
	list := []Cancellation{{StopID: "stp_1", Amount: "1.00", Currency: "CNY", At: time.Unix(0, 0), Hold: "1.00",
		Hours: 48, Account: "6217", Bank: "PCBC", Reason: "FRAD"}}
	b, err := Enveloped("msg_1", time.Unix(0, 0).UTC(), "PCBC", list)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"nvlp.001.001.01", "head.001.001.02",
		"<To><FIId><FinInstnId><Othr><Id>PCBC</Id></Othr></FinInstnId></FIId></To>",
		"<BizMsgIdr>msg_1</BizMsgIdr><MsgDefIdr>camt.056.001.08</MsgDefIdr><CreDt>1970-01-01T00:00:00.000Z</CreDt>"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("it lacks %s: %s", want, b)
		}
	}
	if name, root, err := validate(b); err != nil || name != outgoing ||
		root.child("FIToFIPmtCxlReq", "Undrlyg", "TxInf", "CxlId").text != "stp_1" {
		t.Errorf("%s, %v", name, err)
	}
}

// No bytes bring the reader down.
func FuzzParse(f *testing.F) {
	f.Add([]byte(answer("CNCL", "")))
	f.Add(request(f))
	f.Add([]byte(`<!DOCTYPE x><a/>`))
	for _, doc := range envelopes(head, answer("CNCL", "")) {
		f.Add([]byte(doc))
	}
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
