package sse

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// ContentType is that of a stream.
const ContentType = "text/event-stream"

// writeWait is how long a client may take to accept one block.
const writeWait = 30 * time.Second

// Writer writes a stream of events. It is for one goroutine.
type Writer struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// NewWriter begins a stream: it sets the headers, so that nothing between the
// service and its client keeps or holds back what comes.
func NewWriter(w http.ResponseWriter) *Writer {
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	return &Writer{w, http.NewResponseController(w)}
}

// Write sends an event. An error says that the client has gone, or takes nothing
// any more: the stream is over.
func (w *Writer) Write(e Event) error {
	var b strings.Builder
	if e.Retry > 0 {
		fmt.Fprintf(&b, "retry: %d\n", e.Retry.Milliseconds())
	}
	if e.ID != "" {
		b.WriteString("id: " + e.ID + "\n")
	}
	if e.Name != "" {
		b.WriteString("event: " + e.Name + "\n")
	}
	if e.Data != "" {
		b.WriteString("data: " + strings.ReplaceAll(e.Data, "\n", "\ndata: ") + "\n")
	}
	b.WriteString("\n")
	return w.send(b.String())
}

// Comment sends a block that clients pass over, to say that the service is alive.
func (w *Writer) Comment(text string) error { return w.send(": " + text + "\n\n") }

func (w *Writer) send(block string) error {
	err := w.control.SetWriteDeadline(time.Now().Add(writeWait))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := w.w.Write([]byte(block)); err != nil {
		return err
	}
	return w.control.Flush()
}
