package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// commands are the lines of a page's shell blocks, without comments; a line that
// goes on is one.
func commands(t *testing.T, name string) []string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		text := regexp.MustCompile(` +#.*`).ReplaceAllString(block[1], "")
		text = regexp.MustCompile(`\s*\\\n\s*`).ReplaceAllString(text, " ")
		for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return out
}

// The Chinese front page has the commands of the English one, and no other than
// those that the pages on running it have, with their options; its links lead
// somewhere.
func TestChineseFrontPage(t *testing.T) {
	const name = "README.zh-CN.md"
	chinese := commands(t, name)
	for _, c := range commands(t, "README.md") {
		if !strings.Contains("\n"+strings.Join(chinese, "\n")+"\n", "\n"+c+"\n") {
			t.Errorf("%s lacks %q", name, c)
		}
	}
	known := strings.Join(append(commands(t, "README.md"), commands(t, "docs/operation.md")...), "\n")
	for _, c := range chinese {
		words := strings.Fields(c)
		if words[0] == "bin/stopline" && words[1] == "version" {
			continue // the page on running it names it in a sentence
		}
		verb := regexp.MustCompile(`^(make|bin/stopline)( [a-z]+)+`).FindString(c)
		if verb == "" || !strings.Contains(known, verb) {
			t.Errorf("%s: %q is no command of README.md or docs/operation.md", name, c)
		}
		for _, option := range regexp.MustCompile(`--[a-z-]+`).FindAllString(c, -1) {
			if !strings.Contains(known, option+" ") {
				t.Errorf("%s: %q has %s, which those pages do not", name, c, option)
			}
		}
	}
	page, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	links := regexp.MustCompile(`\]\(([\w./-]+)\)`).FindAllStringSubmatch(string(page), -1)
	for _, l := range links {
		if _, err := os.Stat(filepath.Join("../..", l[1])); err != nil {
			t.Errorf("%s leads to %s: %v", name, l[1], err)
		}
	}
	if len(chinese) < 5 || len(links) < 10 {
		t.Errorf("%s: %d commands, %d links", name, len(chinese), len(links))
	}
}
