// Command stopline is the transaction-stop service of an anti-fraud center,
// with the tools to run, try and measure it. "stopline --help" lists them.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"stopline.internal/store/embedded"
)

// cli is the command line.
type cli struct {
	Serve    serveCmd    `cmd:"" help:"Run the service, every role of it or some."`
	Demo     demoCmd     `cmd:"" help:"Run the service in a simulated city and show what it saves."`
	Replay   replayCmd   `cmd:"" help:"Score the history in CSV files, and compare with their labels."`
	Backtest backtestCmd `cmd:"" help:"Try a catalogue on the past: what it would catch, what it would cost, how it differs from the live one."`
	Bench    benchCmd    `cmd:"" help:"Measure the whole pipeline on this machine, beside the limit of Kafka alone."`
	Patterns patternsCmd `cmd:"" help:"Look at patterns and features, and check a catalogue."`
	Topics   topicsCmd   `cmd:"" help:"Create and check the Kafka topics."`
	Migrate  migrateCmd  `cmd:"" help:"Bring the ClickHouse schema up to date."`
	Report   reportCmd   `cmd:"" help:"Get the monthly report, and check the books against the ledger."`
	Conform  conformCmd  `cmd:"" name:"conformance" help:"Play a bank's whole life against its endpoint, and print a certificate or what failed."`
	Keys     keysCmd     `cmd:"" help:"Make keys for the API."`
}

func main() {
	embedded.RunChild()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	var c cli
	k := kong.Parse(&c, kong.Name("stopline"), kong.UsageOnError(),
		kong.Description("Recognises a fraud in progress, asks the right bank to hold the money, and accounts for every yuan.\n\n"+
			"With no configuration the binary brings its own Kafka and ClickHouse. Each command that runs servers prints a JSON summary as its last line of standard output; everything else goes to standard error."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "stopline:", err)
		os.Exit(1)
	}
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
