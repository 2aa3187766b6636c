package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"stopline.internal/api/access"
	"stopline.internal/api/wire"
	"stopline.internal/cmd/stopline/conformance"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger/law"
	"stopline.internal/stream"
	"stopline.internal/stream/event"
)

type conformCmd struct {
	Target      string        `help:"The bank's endpoint for webhooks." required:"" placeholder:"URL"`
	Listen      string        `help:"Where the kit's own API listens: the bank answers there." default:"127.0.0.1:8099"`
	Bank        string        `help:"The bank's code." default:"TEST"`
	Key         string        `help:"The bank's key at the kit's API, 32 characters or more; made and shown without it." env:"STOPLINE_CONFORMANCE_KEY"`
	Secret      string        `help:"The secret that signs the kit's messages (whsec_…); made and shown without it." env:"STOPLINE_CONFORMANCE_SECRET"`
	Account     string        `help:"A test account at the bank, with money in it." default:"6217000010098765432"`
	Holder      string        `help:"Its holder." default:"测试"`
	Amount      string        `help:"What is asked to be held on it, each time." default:"100.00"`
	Private     bool          `help:"The endpoint may have an address of a private network."`
	Wait        time.Duration `help:"How long the bank has for each answer." default:"20s"`
	Start       time.Duration `help:"How long to wait for the endpoint to answer at all, after the key and secret were shown." default:"5m"`
	Certificate string        `help:"Write the certificate to this file as well, as JSON." placeholder:"FILE" type:"path"`
}

// Run examines the bank.
func (c *conformCmd) Run(ctx context.Context) error {
	cert, err := c.examine(ctx)
	if err != nil {
		return err
	}
	for _, ch := range cert.Checks {
		fmt.Fprintf(os.Stderr, "  %-12s %s", ch.Result, ch.Name)
		if ch.Detail != "" {
			fmt.Fprintf(os.Stderr, "\n               %s", ch.Detail)
		}
		fmt.Fprintln(os.Stderr)
	}
	if c.Certificate != "" {
		b, err := json.MarshalIndent(cert, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.Certificate, append(b, '\n'), 0o600); err != nil {
			return err
		}
	}
	if err := printSummary(cert); err != nil {
		return err
	}
	if !cert.Conforms {
		return fmt.Errorf("%s does not conform: %d of %d checks failed, %d were not reached", c.Bank, cert.Failed,
			len(cert.Checks), cert.Unreached)
	}
	fmt.Fprintf(os.Stderr, "\n%s conforms: all %d checks passed.\n", c.Bank, cert.Passed)
	return nil
}

func (c *conformCmd) examine(ctx context.Context) (*conformance.Certificate, error) {
	dir, err := os.MkdirTemp("", "stopline-conformance-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ids, err := c.identities(dir)
	if err != nil {
		return nil, err
	}
	if c.Secret == "" {
		raw := make([]byte, 24)
		_, _ = rand.Read(raw) // never fails
		c.Secret = "whsec_" + base64.StdEncoding.EncodeToString(raw)
	}
	kit, err := conformance.New(conformance.Exam{Bank: c.Bank, Target: c.Target, Secret: c.Secret, Account: c.Account,
		Holder: c.Holder, Amount: c.Amount, Wait: c.Wait, Start: c.Start})
	if err != nil {
		return nil, err
	}
	list := []stream.Endpoint{{Bank: c.Bank, URL: c.Target, Secrets: []string{c.Secret}, Private: c.Private}}
	if err := stream.CheckEndpoints(list); err != nil {
		return nil, err
	}
	log := warnings()
	in, err := (&Servers{Data: dir, Partitions: 1}).open(ctx, log)
	if err != nil {
		return nil, err
	}
	defer in.close(log)
	banks, err := c.banks()
	if err != nil {
		return nil, err
	}
	terms := law.Default
	terms.Respond = c.Wait
	s, err := start(ctx, in, plan{tuning: Tuning{Hot: 1000, Checkpoint: time.Second, Country: "CN"}, roles: allRoles,
		clock: wallClock, limits: event.DefaultLimits, terms: terms, policy: scoring.DefaultPolicy, listen: c.Listen,
		identities: ids, banks: banks, endpoints: list, wrap: kit.Wrap}, log)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	fmt.Fprintf(os.Stderr, "the bank's system under test answers at %s\n  key     %s\n  secret  %s\n\n", s.url, c.Key,
		c.Secret)
	return kit.Examine(ctx, conformance.Center{Ledger: s.ledger, Log: s.log, Clock: wallClock, Envelope: wire.Envelope})
}

// identities are the bank's key and one for the kit's own decisions.
func (c *conformCmd) identities(dir string) (*access.Identities, error) {
	list := []access.Identity{{Name: "bank " + c.Bank, Role: access.Bank, Bank: c.Bank, Key: c.Key}}
	if c.Key == "" {
		key, _ := access.NewKey(list[0].Name, access.Bank, c.Bank)
		c.Key, list[0].Key = key, key
	}
	b, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "keys.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return nil, err
	}
	banks, err := c.banks()
	if err != nil {
		return nil, err
	}
	return access.Register{Banks: banks}.LoadIdentities(path)
}

// banks are those that are known, and the one that is examined: it may be new.
func (c *conformCmd) banks() (*event.Banks, error) {
	known := event.BuiltInBanks()
	if _, there := known.Find(c.Bank); there {
		return known, nil
	}
	return event.NewBanks(append(known.All(), event.Bank{Code: c.Bank, ZH: c.Bank, EN: c.Bank})...)
}
