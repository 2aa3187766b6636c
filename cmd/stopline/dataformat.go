package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// dataFormat is the form of the embedded servers' directory. It grows when an older
// program could not read what a newer one has written: Kafka's files, ClickHouse's,
// or what lies in them. (ClickHouse's schema has a version of its own.)
const dataFormat = 1

// checkFormat looks at the directory of the embedded servers before anything is
// started in it, and marks one that is not marked yet. A directory that a newer
// program wrote is left as it is.
func (s *Servers) checkFormat() error {
	c, err := s.config()
	if err != nil {
		return err
	}
	if len(c.Brokers) > 0 && s.Clickhouse != "" {
		return nil // nothing lies here
	}
	path := filepath.Join(s.Data, "format")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(s.Data, "kafka", "log")); err == nil {
			return fmt.Errorf("the data in %s is of a version before 0.6: its keys lie in other partitions, and its legs have "+
				"another form; name another directory with --data", s.Data)
		}
		return markFormat(path)
	}
	if err != nil {
		return fmt.Errorf("read the format of the data: %w", err)
	}
	is, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || is < 1 {
		return fmt.Errorf("%s is not the format of data of stopline: it says %.20q; name another directory with --data",
			path, b)
	}
	if is > dataFormat {
		return fmt.Errorf("the data in %s is of format %d, and this program (%s) knows formats up to %d: a newer stopline "+
			"wrote it; start that one, or name another directory with --data", s.Data, is, version, dataFormat)
	}
	return nil
}

// markFormat writes the format whole or not at all.
func markFormat(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the directory of the data: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "format.*")
	if err == nil {
		_, err = fmt.Fprintln(f, dataFormat)
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("mark the format of the data: %w", err)
	}
	return nil
}
