package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The generator of the clients here, and what they are built with.
const (
	generator        = "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2"
	generatorRuntime = "github.com/oapi-codegen/runtime@v1.8.0"
)

// A client that a generator makes of the API document, with nothing told to it,
// leads a bank's life against the running service: of OpenAPI 3.1 and of 3.0.
func TestGeneratedClient(t *testing.T) {
	dir := t.TempDir()
	in := func(name string, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if err := writeFile(filepath.Join(dir, "go.mod"), "module bank.example\n\ngo 1.26\n"); err != nil {
		t.Fatal(err)
	}
	if out, err := in("go", "get", "-tool", generator, generatorRuntime); err != nil {
		t.Skipf("the generator cannot be fetched from the module proxy: %v\n%s", err, out)
	}
	program, err := os.ReadFile("testdata/generatedclient/main.go")
	if err != nil {
		t.Fatal(err)
	}
	h := newHarness(t)
	k := h.keys()
	for n, document := range []string{"openapi.json", "openapi-3.0.json"} {
		t.Run(document, func(t *testing.T) {
			account := "190" + string(rune('3'+n))
			for name, text := range map[string]string{document: h.text("", "/v1/"+document), "main.go": string(program)} {
				if err := writeFile(filepath.Join(dir, name), text); err != nil {
					t.Fatal(err)
				}
			}
			for _, step := range [][]string{{"go", "tool", "oapi-codegen", "-generate", "types,client", "-package", "main",
				"-o", "client.gen.go", document}, {"go", "build", "-o", "bank", "."}} {
				if out, err := in(step[0], step[1:]...); err != nil {
					t.Fatalf("%v: %v\n%.3000s", step, err, out)
				}
			}
			h.ok(k.analyst, http.MethodPost, "/v1/reports", reportDoc("generated-"+document, "3903", account, "5000.00", 60, ""))
			t.Setenv("URL", h.url)
			t.Setenv("KEY", k.pcbc)
			out, err := in(filepath.Join(dir, "bank"))
			want := "polled requested PCBC " + account +
				" 5000.00 CNY true true\nacknowledged acknowledged\nanswered partial 3000.00 2000.00\n" +
				"read partial 3500.00 1500.00 48h0m0s\nscreened allow 0\nrefused 409\n"
			if err != nil || out != want {
				t.Errorf("%v: it says\n%s, want\n%s", err, out, want)
			}
		})
	}
}
