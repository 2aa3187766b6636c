package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root runs a command at the top of the tree.
func root(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return string(out)
}

// fetched are the embedded files that the repository does not hold.
func fetched(t *testing.T) []string {
	t.Helper()
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if err := exec.CommandContext(t.Context(), "git", "rev-parse", "HEAD").Run(); err != nil {
		t.Skipf("this is no clone, so that what it holds cannot be listed: %v", err)
	}
	tracked := strings.Fields(root(t, "git", "ls-files"))
	dec := json.NewDecoder(strings.NewReader(root(t, "go", "list", "-json=Dir,EmbedFiles", "./...")))
	var out []string
	for {
		var p struct {
			Dir        string
			EmbedFiles []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		for _, f := range p.EmbedFiles {
			path, err := filepath.Rel(top, filepath.Join(p.Dir, f))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(tracked, path) {
				out = append(out, path)
			}
		}
	}
}

// What the binary embeds and the repository does not hold is put there by make
// build, and the program knows how much of it there is.
func TestMakeBuildFetchesWhatIsEmbedded(t *testing.T) {
	files := fetched(t)
	recipe := root(t, "make", "-n", "-B", "build")
	for _, f := range files {
		if !strings.Contains(recipe, " "+f+"\n") {
			t.Errorf("%s is embedded and not in the repository, and \"make build\" does not make it", f)
		}
	}
	here := 0
	for _, a := range thisBuild().Assets {
		if a.Bytes > 0 {
			here++
		}
	}
	if here != len(files) {
		t.Errorf("%v are embedded, and \"stopline version\" knows of %d: add the others to thisBuild", files, here)
	}
	if len(files) < len(thisBuild().Assets) {
		t.Logf("not everything was fetched here: %v", files)
	}
}

// The image is built by make build and by nothing else, so that it embeds what
// every other build does; it is checked for being whole. (No engine for
// containers is needed: the file is read.)
func TestImageIsBuiltByMake(t *testing.T) {
	text, err := os.ReadFile("../../deploy/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	var stage string
	var runs, shipped []string
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
		line = strings.TrimSpace(line)
		words := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "FROM "):
			stage = words[len(words)-1]
		case strings.HasPrefix(line, "RUN ") && stage == "build":
			runs = append(runs, strings.TrimPrefix(line, "RUN "))
		case strings.HasPrefix(line, "COPY --from=build "):
			shipped = append(shipped, strings.TrimPrefix(words[2], "/src/"))
		}
	}
	made := slices.Index(runs, "make build")
	if made < 0 || !slices.Contains(runs[made:], "bin/stopline version --check") {
		t.Errorf("the build stage runs %q: want \"make build\", and then \"bin/stopline version --check\"", runs)
	}
	for _, r := range runs {
		for _, other := range []string{"go build", "go install", "npm ", "npx ", "curl ", "wget ", "cp "} {
			if strings.Contains(r+" ", other) && !strings.HasPrefix(r, "ln ") {
				t.Errorf("the build stage builds by itself: %s", r)
			}
		}
	}
	recipe := root(t, "make", "-n", "-B", "build")
	for _, f := range shipped {
		if !strings.Contains(recipe, f) {
			t.Errorf("the image ships %s, which make build does not make", f)
		}
	}
	if len(shipped) != 2 {
		t.Errorf("the image ships %q: want the binary and the engine", shipped)
	}
}
