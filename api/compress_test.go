package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"stopline.internal/api/access"
	"stopline.internal/api/apitest"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// centerWith serves the API before a ledger with so many stops that wait for
// the bank PCBC.
func centerWith(t *testing.T, stops int) *apitest.Service {
	t.Helper()
	s := apitest.Start(t)
	for i := range stops {
		id := event.DerivedID("stp", fmt.Sprint(i))
		p := stop.Proposal{Account: stop.Account{Number: fmt.Sprintf("62170000%011d", i*7919), Bank: "PCBC",
			Holder: fmt.Sprintf("持有人%d", i)}, Minor: int64(1_000_000 + 7919*i), Currency: event.CNY,
			Transfer: stop.Transfer{ID: event.DerivedID("t", fmt.Sprint(i)), Minor: int64(1_000_000 + 7919*i), At: s.Now()},
			Hop:      1, FraudType: "account-takeover", Payer: fmt.Sprintf("62220202%011d", i*104729),
			Text: "a 26-minute call from an unknown foreign number, then a payee first seen today"}
		s.Fold(0, ledger.StopEntries(stop.Propose(s.Ledger.Terms(), id, event.DerivedID("cas", id), p, s.Now(),
			"scoring"))...)
	}
	return s
}

// asked is an answer as it comes over the wire: nothing is decompressed unasked.
func asked(t *testing.T, url, key, encoding string, headers ...string) (http.Header, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	if encoding != "" {
		req.Header.Set("Accept-Encoding", encoding)
	}
	resp, err := (&http.Transport{DisableCompression: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.Header, b
}

func gunzip(t *testing.T, b []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// A poll of a hundred stops comes compressed to those who accept it, as JSON
// and as XML, says the same, and has the same tag.
func TestAnswersAreCompressed(t *testing.T) {
	srv := centerWith(t, 100)
	bank := srv.Bank("PCBC")
	for _, kind := range []string{"application/json", "application/xml"} {
		plain, want := asked(t, srv.URL+"/v1/bank/stops?limit=100", bank, "", "Accept", kind)
		small, body := asked(t, srv.URL+"/v1/bank/stops?limit=100", bank, "gzip, br", "Accept", kind)
		if plain.Get("Content-Encoding") != "" || small.Get("Content-Encoding") != "gzip" {
			t.Fatalf(
				"%s: encodings %q and %q, want none and gzip",
				kind,
				plain.Get("Content-Encoding"),
				small.Get("Content-Encoding"),
			)
		}
		if !slices.Contains(plain.Values("Vary"), "Accept-Encoding") ||
			!slices.Contains(small.Values("Vary"), "Accept-Encoding") {
			t.Errorf("%s: Vary is %q and %q", kind, plain.Values("Vary"), small.Values("Vary"))
		}
		if got := gunzip(t, body); !bytes.Equal(got, want) && kind == "application/json" {
			t.Errorf("%s: the compressed answer says another thing", kind)
		}
		if n := bytes.Count(want, []byte("stp_")); n < 100 {
			t.Errorf("%s: %d stops", kind, n)
		}
		if 5*len(body) > len(want) {
			t.Errorf("%s: %d bytes become %d", kind, len(want), len(body))
		}
		if small.Get("ETag") != plain.Get("ETag") {
			t.Errorf("%s: the tags are %s and %s", kind, plain.Get("ETag"), small.Get("ETag"))
		}
		t.Logf("%s, a poll of 100 stops: %d bytes, %d compressed", kind, len(want), len(body))
	}
	for encoding, want := range map[string]string{"gzip;q=0": "", "identity": "", "br": "", "gzip;q=0.5, *;q=0": "gzip"} {
		if head, _ := asked(t, srv.URL+"/v1/bank/stops", bank, encoding); head.Get("Content-Encoding") != want {
			t.Errorf("for %q the answer is %q, want %q", encoding, head.Get("Content-Encoding"), want)
		}
	}
	if head, _ := asked(t, srv.URL+"/v1/me", bank, "gzip"); head.Get("Content-Encoding") != "" {
		t.Error("an answer of a few bytes is compressed")
	}
	if head, _ := asked(t, srv.URL+"/console.css", "", "gzip"); head.Get("Content-Encoding") != "gzip" ||
		head.Get("ETag") == "" {
		t.Errorf("the console's style: %v", head)
	}
}

// The tag of a compressed answer is one that a decision can be tied to.
func TestTagOfACompressedAnswer(t *testing.T) {
	srv := centerWith(t, 1)
	resp, _ := asked(t, srv.URL+"/v1/stops/"+event.DerivedID("stp", "0"), srv.Key(access.Admin), "gzip")
	if tag := resp.Get("ETag"); tag != `"2"` {
		t.Errorf("the tag is %s, want the version as it is compared with If-Match", tag)
	}
}

// Events of a stream come one by one, never held back to be compressed.
func TestStreamsAreNotCompressed(t *testing.T) {
	srv := centerWith(t, 3)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+"/v1/bank/stops/stream", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+srv.Bank("PCBC"))
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.Header.Get("Content-Encoding") != "" ||
		!strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		t.Errorf("%v", resp.Header)
	}
	var text strings.Builder
	part := make([]byte, 4096)
	for strings.Count(text.String(), "event: stop.requested") < 3 { // the stream stays open
		n, err := resp.Body.Read(part)
		text.Write(part[:n])
		if err != nil {
			t.Fatalf("%v after %q", err, text.String())
		}
	}
}
