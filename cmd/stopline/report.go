package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"stopline.internal/store/warehouse"
)

type reportCmd struct {
	Month  reportMonthCmd  `cmd:"" default:"withargs" help:"Get a month's report as JSON, CSV, XLSX or PDF."`
	Verify reportVerifyCmd `cmd:"" help:"Compare the books with the ledger, every stop and every sum, and every table by day with Kafka, and list what differs."`
}

type reportMonthCmd struct {
	Service
	Month    string `help:"The month, such as 2026-11." required:"" placeholder:"YYYY-MM"`
	Format   string `help:"json, csv, xlsx or pdf." enum:"json,csv,xlsx,pdf" default:"json"`
	Lang     string `help:"zh or en." enum:"zh,en" default:"zh"`
	Currency string `help:"ISO 4217." default:"CNY"`
	Out      string `help:"Write to this file; to standard output without it." type:"path" placeholder:"FILE"`
}

// Run asks the service for the report.
func (c *reportMonthCmd) Run(ctx context.Context) error {
	q := url.Values{"month": {c.Month}, "format": {c.Format}, "lang": {c.Lang}, "currency": {c.Currency}}
	var doc []byte
	if err := c.do(ctx, http.MethodGet, "/v1/statistics/report?"+q.Encode(), "", nil, &doc); err != nil {
		return err
	}
	if c.Out == "" {
		_, err := os.Stdout.Write(doc)
		return err
	}
	if err := os.WriteFile(c.Out, doc, 0o600); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s: %d bytes\n", c.Out, len(doc))
	return nil
}

type reportVerifyCmd struct {
	Service
}

// verifyPatience is how long the service may take to read Kafka's log; above it,
// "stopline books verify" has no bound.
const verifyPatience = 2 * time.Minute

// Run asks the service to compare, and fails when something differs.
func (c *reportVerifyCmd) Run(ctx context.Context) error {
	var v warehouse.Verification
	c.patience = verifyPatience
	if err := c.do(ctx, http.MethodGet, "/v1/statistics/verification", "", nil, &v); err != nil {
		return err
	}
	showDifferences(&v)
	if err := printSummary(&v); err != nil {
		return err
	}
	compared := fmt.Sprintf("%d stops, %d reports, %d reported payments, %d statistics, %d days of tables",
		v.Stops, v.Reports, v.Payments, v.Statistics, v.Days)
	switch {
	case len(v.Differences) > 0:
		return fmt.Errorf("%d differences in %s", len(v.Differences), compared)
	case v.Behind > 0:
		fmt.Fprintf(os.Stderr, "the books are right: %s; %d figures changed meanwhile\n", compared, v.Behind)
	default:
		fmt.Fprintf(os.Stderr, "the books are right: %s\n", compared)
	}
	return nil
}

// showDifferences writes a line for each, with what mends it, and what was not
// compared.
func showDifferences(v *warehouse.Verification) {
	for _, d := range v.Dropped {
		fmt.Fprintf(os.Stderr, "before %s Kafka does not have the log of %s whole any more: not counted\n", d.Before, d.Log)
	}
	for _, d := range v.Differences {
		with := "the ledger"
		if d.What == "day" {
			with = "the log"
		}
		fmt.Fprintf(os.Stderr, "%s %s: %s is %s in the books and %s in %s", d.What, d.ID, d.Field, d.Books, d.Ledger, with)
		if d.Mend != "" {
			fmt.Fprintf(os.Stderr, "; mend it with: %s", d.Mend)
		}
		fmt.Fprintln(os.Stderr)
	}
}
