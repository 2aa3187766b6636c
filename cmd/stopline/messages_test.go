package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"stopline.internal/stream/event/words"
)

// The page of the messages lists every code with its words in both languages, as
// the program has them. STOPLINE_WRITE=1 writes the list anew.
func TestMessagesAreDocumented(t *testing.T) {
	const name = "../../docs/messages.md"
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	cell := strings.NewReplacer("|", `\|`, "\n", " ")
	for _, code := range words.Codes() {
		fmt.Fprintf(&list, "| `%s` | %s | %s |\n", code,
			cell.Replace(words.Template(code, words.English)), cell.Replace(words.Template(code, words.Chinese)))
	}
	const begin = "| code | English | 中文 |\n| --- | --- | --- |\n"
	head, was, found := strings.Cut(string(page), begin)
	if !found {
		t.Fatalf("%s has no table", name)
	}
	if was == list.String() {
		return
	}
	if os.Getenv("STOPLINE_WRITE") == "" {
		t.Fatalf("%s is not the catalogue: STOPLINE_WRITE=1 go test ./cmd/stopline -run TestMessagesAreDocumented", name)
	}
	if err := os.WriteFile(name, []byte(head+begin+list.String()), 0o644); err != nil { //nolint:gosec // a page for all
		t.Fatal(err)
	}
}
