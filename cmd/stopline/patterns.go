package main

import (
	"fmt"
	"os"
	"strings"

	"stopline/scoring"
)

type patternsCmd struct {
	List     patternsListCmd     `cmd:"" help:"List the patterns of a catalogue."`
	Check    patternsCheckCmd    `cmd:"" help:"Check a catalogue and say what is wrong, with file and line."`
	Features patternsFeaturesCmd `cmd:"" help:"List the features that conditions may name."`
}

type patternsListCmd struct {
	File string `arg:"" optional:"" help:"A catalogue; the built-in one without it." type:"existingfile"`
}

// Run prints a line for each pattern.
func (c *patternsListCmd) Run() error {
	t := Tuning{Patterns: c.File}
	cat, err := t.catalogue()
	if err != nil {
		return err
	}
	for _, p := range cat.Patterns {
		on := make([]string, len(p.On))
		for i, r := range p.On {
			on[i] = r.String()
		}
		fmt.Fprintf(os.Stderr, "%-30s %-7s %.2f  %s  %-26s on %-18s %s / %s\n", p.ID, p.Then, p.Weight, p.Grade, p.FraudType, strings.Join(on, ","), p.Name.EN, p.Name.ZH)
	}
	return printSummary(map[string]any{"patterns": len(cat.Patterns), "version": cat.Version})
}

type patternsCheckCmd struct {
	File string `arg:"" help:"The catalogue." type:"existingfile"`
}

// Run checks a file.
func (c *patternsCheckCmd) Run() error {
	t := Tuning{Patterns: c.File}
	cat, err := t.catalogue()
	if err != nil {
		return fmt.Errorf("the catalogue cannot be used:\n%w", err)
	}
	return printSummary(map[string]any{"patterns": len(cat.Patterns), "version": cat.Version})
}

type patternsFeaturesCmd struct{}

// Run prints a line for each feature.
func (patternsFeaturesCmd) Run() error {
	for _, line := range scoring.Describe() {
		if _, err := fmt.Println(line); err != nil {
			return err
		}
	}
	return nil
}
