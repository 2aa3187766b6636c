package main

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// keepBytes bounds what a demo's embedded Kafka keeps of a partition of the
// sources and the legs: some minutes of them, enough for every loop to go on from.
const keepBytes = 128 << 20

// watchDisk looks now and then at what the data directory takes, and says once
// that it has reached the bound.
func (d *demo) watchDisk(ctx context.Context) <-chan error {
	full := make(chan error, 1)
	if d.cmd.Disk <= 0 {
		return full
	}
	go func() {
		for ctx.Err() == nil {
			if used := size(d.cmd.Data); used > d.cmd.Disk<<30 {
				full <- fmt.Errorf("%s takes %.1f GiB, and --disk bounds it to %d GiB: the city ends here; \"make clean\" "+
					"removes it, a larger --disk goes on with it",
					d.cmd.Data, float64(used)/(1<<30), d.cmd.Disk)
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(10 * time.Second):
			}
		}
	}()
	return full
}

// size sums the files below a directory. What goes while it looks is not there.
func size(dir string) (bytes int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil
		}
		if info, err := e.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}
