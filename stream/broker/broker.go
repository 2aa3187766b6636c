// Package broker is the Kafka broker inside the binary: it speaks the real
// protocol on a real port and keeps its log on disk, so that with no server
// at hand everything still runs the one way. A center's own Kafka replaces it
// with --kafka.
package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// maxRecordBytes is the largest record that the broker takes. It is above the
// limit of a document, so that a document that is too large can be read,
// refused and kept as a dead letter.
const maxRecordBytes = 16 << 20

// cleanEvery is how far a topic may grow beyond its bound, as a time.
const cleanEvery = 2 * time.Minute

// Broker is a running embedded broker.
type Broker struct {
	cluster *kfake.Cluster
	lock    *os.File
}

// Start opens the log under dir and listens on 127.0.0.1:port; port 0 takes
// one that is free. The directory belongs to one process at a time.
func Start(ctx context.Context, dir string, port int) (*Broker, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("embedded Kafka: make %s: %w", dir, err)
	}
	lock, err := Lock(dir)
	if err != nil {
		return nil, fmt.Errorf("embedded Kafka: %w", err)
	}
	var lc net.ListenConfig
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.Ports(port),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) {
			return lc.Listen(ctx, network, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		}),
		kfake.DataDir(filepath.Join(dir, "log")),
		kfake.SyncWrites(),
		kfake.BrokerConfigs(map[string]string{
			"message.max.bytes": strconv.Itoa(maxRecordBytes),
			// How often what is past its retention goes, and keys are compacted.
			"log.cleaner.backoff.ms": strconv.FormatInt(cleanEvery.Milliseconds(), 10),
		}),
	)
	if err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("embedded Kafka: port %d is taken: stop what listens there, choose another with "+
				"--kafka-port, or use a running Kafka with --kafka HOST:PORT", port)
		}
		return nil, fmt.Errorf("embedded Kafka in %s: %w", dir, err)
	}
	return &Broker{cluster: cluster, lock: lock}, nil
}

// Addr is the broker's host:port.
func (b *Broker) Addr() string { return b.cluster.ListenAddrs()[0] }

// Close stops the broker, with its log on disk complete.
func (b *Broker) Close() error {
	b.cluster.Close()
	return b.lock.Close()
}

// Lock takes the directory for this process, and says who has it when another
// does. The lock ends with the process, however it ends.
func Lock(dir string) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		pid := make([]byte, 20)
		n, _ := f.ReadAt(pid, 0)
		_ = f.Close()
		return nil, fmt.Errorf("%s is in use by process %s: stop that one, or choose another directory with --data", dir,
			pid[:n])
	}
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	}
	return f, nil
}
