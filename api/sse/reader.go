package sse

import (
	"bufio"
	"cmp"
	"io"
	"strconv"
	"strings"
	"time"
)

// Reader reads a stream of events. It is for one goroutine.
type Reader struct{ lines *bufio.Scanner }

// NewReader reads a stream whose lines are of at most so many bytes.
func NewReader(r io.Reader, maxLine int) *Reader {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	return &Reader{lines}
}

// Next waits for the next block, whether it has an event or only says that the
// service is alive. A block that was cut off is none: its error says why the
// stream ended, [io.EOF] where the service ended it.
func (r *Reader) Next() (Event, error) {
	var e Event
	var data []string
	for r.lines.Scan() {
		line := r.lines.Text()
		if line == "" {
			e.Data = strings.Join(data, "\n")
			return e, nil
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			e.ID = value
		case "event":
			e.Name = value
		case "data":
			data = append(data, value)
		case "retry":
			if ms, err := strconv.Atoi(value); err == nil {
				e.Retry = time.Duration(ms) * time.Millisecond
			}
		}
	}
	return Event{}, cmp.Or(r.lines.Err(), io.EOF)
}
