package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// writtenWhole is how long files must have been left alone: an editor writes in
// steps, and a certificate and its key are written one after the other.
const writtenWhole = 200 * time.Millisecond

// watchFiles calls changed at the start, since they may have changed since they
// were read, and whenever something has changed beside the files, until ctx ends.
// It watches the folders: editors and renewals put other files, or other links, in
// the place of the old ones. So changed must look whether there is anything new.
func watchFiles(ctx context.Context, log *slog.Logger, changed func(), files ...string) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch %s: %w", files[0], err)
	}
	defer func() { _ = w.Close() }()
	for _, file := range files {
		if err := w.Add(filepath.Dir(file)); err != nil {
			return fmt.Errorf("watch %s: %w", file, err)
		}
	}
	quiet := time.NewTimer(writtenWhole)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-w.Events:
			if !e.Has(fsnotify.Chmod) {
				quiet.Reset(writtenWhole)
			}
		case err := <-w.Errors:
			log.Warn("watching a file", "file", files[0], "err", err)
		case <-quiet.C:
			changed()
		}
	}
}
