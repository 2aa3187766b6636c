// Command stopline is the transaction-stop service of an anti-fraud center,
// with the tools to run, try and measure it. "stopline --help" lists them.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"regexp"
	"syscall"

	"github.com/alecthomas/kong"

	"stopline.internal/store/embedded"
)

// cli is the command line.
type cli struct {
	Version versionFlag `help:"Print the version and leave."`

	Serve    serveCmd      `cmd:"" help:"Run the service, every role of it or some."`
	Demo     demoCmd       `cmd:"" help:"Run the service in a simulated city and show what it saves."`
	Replay   replayCmd     `cmd:"" help:"Score the history in CSV files, and compare with their labels."`
	Backtest backtestCmd   `cmd:"" help:"${backtest}"`
	Bench    benchCmd      `cmd:"" help:"Measure the whole pipeline on this machine, beside the limit of Kafka alone."`
	Patterns patternsCmd   `cmd:"" help:"Look at patterns and features, and check a catalogue."`
	Inspect  inspectCmd    `cmd:"" help:"Look at a leg, at what is remembered of an account, at the partition that owns it."`
	Topics   topicsCmd     `cmd:"" help:"Create and check the Kafka topics."`
	Verify   verifyCmd     `cmd:"" help:"Check the logs against each other."`
	Log      logCmd        `cmd:"" help:"Have a part of the log written again."`
	Kept     quarantineCmd `cmd:"" name:"quarantine" help:"Look at records that were passed over, and put them back."`
	Migrate  migrateCmd    `cmd:"" help:"Bring the ClickHouse schema up to date."`
	Books    booksCmd      `cmd:"" help:"Make the books again from Kafka, compare them, say how long they are kept."`
	Report   reportCmd     `cmd:"" help:"Get the monthly report, and check the books against the ledger."`
	Conform  conformCmd    `cmd:"" name:"conformance" help:"${conformance}"`
	Keys     keysCmd       `cmd:"" help:"Make keys for the API."`
	Build    versionCmd    `cmd:"" name:"version" help:"Print the version, the commit and what is embedded."`
}

// What the program exits with, beside 0.
const (
	exitFailed = 1 // what was asked for did not work
	exitUsage  = 2 // what was asked for is not understood
)

func main() {
	embedded.RunChild()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	var c cli
	parser := kong.Must(&c, kong.Name("stopline"),
		kong.Description("Recognises a fraud in progress, asks the right bank to hold the money, and accounts for every "+
			"yuan.\n\n"+
			"With no configuration the binary brings its own Kafka and ClickHouse. Each command that runs servers prints "+
			"a JSON summary as its last line of standard output; everything else goes to standard error. It exits with 1 "+
			"when something failed, and with 2 when the command line is not understood."),
		longHelp, kong.BindTo(ctx, (*context.Context)(nil)))
	k, err := parser.Parse(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "stopline: %v: see \"%s --help\"\n", err, meant(err))
		os.Exit(exitUsage)
	}
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "stopline:", err)
		os.Exit(exitFailed)
	}
}

// suggested finds the command that kong takes a mistyped one for.
var suggested = regexp.MustCompile(`did you mean "([a-z]+)"`)

// meant is the command whose help helps: the one that was being given, or the
// one that a mistyped word is close to.
func meant(err error) string {
	name := "stopline"
	var p *kong.ParseError
	if errors.As(err, &p) {
		if n := p.Context.Selected(); n != nil {
			if n.Parent != nil && n.Parent.DefaultCmd == n {
				n = n.Parent // nobody may have named it
			}
			name = n.FullPath()
		}
	}
	if m := suggested.FindStringSubmatch(err.Error()); m != nil {
		name += " " + m[1]
	}
	return name
}

// logTo is the log of a command: words and values, a line each.
func logTo(f *os.File) *slog.Logger {
	return slog.New(slog.NewTextHandler(f, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// printSummary writes the last line of standard output.
func printSummary(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Println(string(b))
	return err
}

// warnings is the log of a command that shows its progress by itself.
func warnings() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
