package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"stopline.internal/store/warehouse"
)

type reportCmd struct {
	Month  reportMonthCmd  `cmd:"" default:"withargs" help:"Get a month's report as JSON, CSV, XLSX or PDF."`
	Verify reportVerifyCmd `cmd:"" help:"Compare the books with the ledger, every stop and every sum, and list what differs."`
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

// Run asks the service to compare, and fails when something differs.
func (c *reportVerifyCmd) Run(ctx context.Context) error {
	var v warehouse.Verification
	if err := c.do(ctx, http.MethodGet, "/v1/statistics/verification", "", nil, &v); err != nil {
		return err
	}
	for _, d := range v.Differences {
		fmt.Fprintf(os.Stderr, "%s %s: %s is %s in the books and %s in the ledger\n", d.What, d.ID, d.Field, d.Books,
			d.Ledger)
	}
	if err := printSummary(&v); err != nil {
		return err
	}
	compared := fmt.Sprintf("%d stops, %d reports, %d reported payments, %d statistics",
		v.Stops, v.Reports, v.Payments, v.Statistics)
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
