package sse_test

import (
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stopline.internal/api/sse"
)

// What is written is lines in one order, an empty line behind each block; and nothing
// between the service and its client keeps it.
func TestWriter(t *testing.T) {
	rec := httptest.NewRecorder()
	w := sse.NewWriter(rec)
	for _, e := range []sse.Event{
		{Retry: time.Second, ID: "0-0"},
		{Name: "stop", Data: `{"id":"stp_1"}`},
		{ID: "0-18.1-4", Name: "two", Data: "a\nb"},
		{},
	} {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Comment("alive"); err != nil {
		t.Fatal(err)
	}
	const want = "retry: 1000\nid: 0-0\n\nevent: stop\ndata: {\"id\":\"stp_1\"}\n\n" +
		"id: 0-18.1-4\nevent: two\ndata: a\ndata: b\n\n\n: alive\n\n"
	if got := rec.Body.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for name, value := range map[string]string{"Content-Type": sse.ContentType, "Cache-Control": "no-store",
		"X-Accel-Buffering": "no"} {
		if got := rec.Header().Get(name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	if !rec.Flushed {
		t.Error("the block is held back")
	}
}

// What was written is read again; so is what others write: without a space behind the
// colon, with fields that are not known, and with comments.
func TestReader(t *testing.T) {
	const text = ": hello\n\nretry: 1500\nid:7\n\n" +
		"event:stop\ndata:{}\nother: x\nnothing\n\ndata: a\ndata: b\nid: 0-18.1-4\n\nretry: soon\n\ndata: cut off\n"
	r := sse.NewReader(strings.NewReader(text), 1<<10)
	for i, want := range []sse.Event{{}, {Retry: 1500 * time.Millisecond, ID: "7"}, {Name: "stop", Data: "{}"},
		{ID: "0-18.1-4", Data: "a\nb"}, {}} {
		if got, err := r.Next(); err != nil || got != want {
			t.Errorf("block %d is %+v, %v; want %+v", i, got, err, want)
		}
	}
	if e, err := r.Next(); !errors.Is(err, io.EOF) || e != (sse.Event{}) {
		t.Errorf("what was cut off is %+v, %v", e, err)
	}
}

// A line that is longer than was agreed ends the stream with an error.
func TestReaderIsBounded(t *testing.T) {
	r := sse.NewReader(strings.NewReader("data: "+strings.Repeat("x", 100)+"\n\n"), 50)
	if _, err := r.Next(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
}
