package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/prometheus/client_golang/prometheus"

	"stopline.internal/api/console"
	"stopline.internal/api/report"
)

// version is the newest heading of CHANGELOG.md.
const version = "0.6.0"

// commit and modified are set by make build, which asks git. A build by hand
// has what Go noted by itself, if anything.
var commit, modified string

const unknown = "unknown"

// build says what a binary was made of.
type build struct {
	Version   string  `json:"version"`
	Commit    string  `json:"commit"`
	Dirty     string  `json:"dirty"` // true, false or unknown: whether the tree differed from the commit
	GoVersion string  `json:"go"`
	Assets    []asset `json:"assets"`
}

// asset is a file that make build fetches and the binary embeds; without it the
// binary does less.
type asset struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"` // 0: missing
	For   string `json:"for"`
}

// thisBuild is the program that runs.
func thisBuild() build {
	b := build{Version: version, Commit: commit, Dirty: modified, GoVersion: runtime.Version(), Assets: []asset{
		{"charts", console.Charts(), "the console's charts; without them it has tables"},
		{"font", report.Font(), "printed reports; without it there are no PDFs"},
	}}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = cmp.Or(b.Commit, s.Value)
			case "vcs.modified":
				b.Dirty = cmp.Or(b.Dirty, s.Value)
			}
		}
	}
	b.Commit, b.Dirty = cmp.Or(b.Commit, unknown), cmp.Or(b.Dirty, unknown)
	return b
}

// String is the build in a line: "0.6.0 (commit 052158f2a4b1, modified, go1.26.8)".
func (b build) String() string {
	tree := map[string]string{strconv.FormatBool(true): ", modified", strconv.FormatBool(false): ""}
	dirty, known := tree[b.Dirty]
	if !known {
		dirty = ", tree unknown"
	}
	return fmt.Sprintf("%s (commit %.12s%s, %s)", b.Version, b.Commit, dirty, b.GoVersion)
}

// complete says which assets are missing.
func (b build) complete() error {
	var missing []string
	for _, a := range b.Assets {
		if a.Bytes == 0 {
			missing = append(missing, a.Name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the binary lacks %s: \"make build\" fetches what it embeds", strings.Join(missing, " and "))
	}
	return nil
}

// buildGauge is the build as a metric, whose value is always 1.
func buildGauge(b build) prometheus.Collector {
	labels := prometheus.Labels{"version": b.Version, "commit": b.Commit, "dirty": b.Dirty, "goversion": b.GoVersion}
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "stopline_build_info",
		Help: "What the process was built from; always 1.", ConstLabels: labels})
	g.Set(1)
	return g
}

type versionCmd struct {
	JSON  bool `name:"json" help:"As a JSON object."`
	Check bool `help:"Fail when something that make build embeds is missing."`
}

// Run prints what the binary was made of.
func (c *versionCmd) Run() error {
	b := thisBuild()
	if c.JSON {
		if err := printSummary(b); err != nil {
			return err
		}
	} else {
		fmt.Println("stopline", b)
		for _, a := range b.Assets {
			size := "missing"
			if a.Bytes > 0 {
				size = fmt.Sprintf("%d bytes", a.Bytes)
			}
			fmt.Printf("  %-8s %-16s %s\n", a.Name, size, a.For)
		}
	}
	if c.Check {
		return b.complete()
	}
	return nil
}

// versionFlag is --version: the first line of the command.
type versionFlag bool

// BeforeReset prints the version and leaves.
func (versionFlag) BeforeReset(k *kong.Kong) error {
	_, err := fmt.Fprintln(k.Stdout, "stopline", thisBuild())
	k.Exit(0)
	return err
}
