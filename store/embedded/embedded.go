// Package embedded is ClickHouse inside the process tree: a child process of
// the same binary loads the engine as a library and listens on the native and
// the HTTP port, so that clients connect to it as to any server. A center's
// own ClickHouse replaces it with --clickhouse.
//
// The engine is libchdb.so of the npm package @chdb/lib-linux-x64-gnu; "make
// engine" fetches it. Main functions and tests call [RunChild] first.
package embedded

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v7"
)

// childArg is the hidden subcommand under which the binary becomes the engine.
const childArg = "clickhouse-engine"

// envLibrary names the variable that points at libchdb.so.
const envLibrary = "STOPLINE_ENGINE"

// Options say where the engine keeps its data and listens.
type Options struct {
	Dir      string // data directory; it belongs to one process at a time
	Port     int    // native protocol; 0 takes one that is free
	HTTPPort int    // 0 takes one that is free
	Library  string // libchdb.so; empty: looked for in the usual places
	Log      *slog.Logger
}

// An engine that ends by itself is started again, on the same ports: what was
// acknowledged is in its files, and its clients try again. One that keeps ending
// is given up.
const (
	maxRestarts = 5
	settled     = 10 * time.Minute // after which earlier ends are forgotten
)

// Server is a running engine.
type Server struct {
	addr, httpAddr string
	options        Options
	exe            string
	done           chan struct{}
	lastWords      *tail

	mu      sync.Mutex
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	exited  chan struct{} // closed when cmd has ended
	left    error         // why it did; read it when exited is closed
	closing bool
}

// Library finds libchdb.so, or says how to get it.
func Library() (string, error) {
	var places []string
	if p := os.Getenv(envLibrary); p != "" {
		places = append(places, p)
	}
	module := filepath.Join("node_modules", "@chdb", "lib-linux-x64-gnu", "libchdb.so")
	if exe, err := os.Executable(); err == nil {
		dir := filepath.Dir(exe)
		places = append(places, filepath.Join(dir, "libchdb.so"), filepath.Join(dir, "..", "store", "embedded", module))
	}
	if _, file, _, ok := runtime.Caller(0); ok {
		places = append(places, filepath.Join(filepath.Dir(file), module))
	}
	for _, p := range places {
		if _, err := os.Stat(p); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("the ClickHouse engine (libchdb.so) is not here: run \"make engine\" in the source tree, "+
		"set %s to its path, or use a running server with --clickhouse HOST:PORT", envLibrary)
}

// Start runs the engine and waits until it answers.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Library == "" {
		var err error
		if o.Library, err = Library(); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("embedded ClickHouse: make %s: %w", o.Dir, err)
	}
	for flag, port := range map[string]*int{"--clickhouse-port": &o.Port, "--clickhouse-http-port": &o.HTTPPort} {
		p, err := claim(*port)
		if err != nil {
			return nil, fmt.Errorf("embedded ClickHouse: port %d is taken: stop what listens there, choose another with %s, "+
				"or use a running server with --clickhouse HOST:PORT", *port, flag)
		}
		*port = p
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("embedded ClickHouse: find this program: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &Server{
		options: o, exe: exe,
		addr:      net.JoinHostPort("127.0.0.1", strconv.Itoa(o.Port)),
		httpAddr:  net.JoinHostPort("127.0.0.1", strconv.Itoa(o.HTTPPort)),
		done:      make(chan struct{}),
		lastWords: &tail{},
	}
	if err := s.launch(); err != nil {
		return nil, err
	}
	if err := s.await(ctx); err != nil {
		s.end()
		return nil, err
	}
	go s.keep()
	return s, nil
}

// launch starts the child.
func (s *Server) launch() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return errors.New("embedded ClickHouse: closed")
	}
	// Not CommandContext: the engine outlives the context, so that what is in
	// flight can still be written while the service drains. Close ends it.
	cmd := exec.Command(s.exe, childArg, s.options.Library, s.options.Dir, strconv.Itoa(s.options.Port),
		strconv.Itoa(s.options.HTTPPort))
	cmd.Stdout, cmd.Stderr = s.lastWords, s.lastWords
	// A process group of its own: Ctrl-C is for this process, which ends the
	// engine when everything has been written.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("embedded ClickHouse: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("embedded ClickHouse: start: %w", err)
	}
	exited := make(chan struct{})
	go func() {
		s.left = cmd.Wait()
		close(exited)
	}()
	s.cmd, s.stdin, s.exited = cmd, stdin, exited
	return nil
}

// keep starts the engine again when it ends without having been asked to.
func (s *Server) keep() {
	defer close(s.done)
	began, restarts := time.Now(), 0
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = 200*time.Millisecond, time.Second // five restarts take a few seconds
	pauses.Reset()
	for {
		<-s.exited
		err := s.left
		s.mu.Lock()
		closing := s.closing
		s.mu.Unlock()
		if closing {
			return
		}
		if time.Since(began) > settled {
			restarts = 0
			pauses.Reset()
		}
		if restarts++; restarts > maxRestarts {
			s.options.Log.Error("the embedded ClickHouse keeps ending and is given up; what was acknowledged is kept", "err",
				err, "said", s.lastWords.String())
			return
		}
		s.options.Log.Error("the embedded ClickHouse ended by itself and is started again; what was acknowledged is kept",
			"err", err, "said", s.lastWords.String())
		time.Sleep(pauses.NextBackOff())
		began = time.Now()
		if err := s.launch(); err != nil {
			return // it was closed meanwhile, or cannot be started at all
		}
	}
}

// await polls the HTTP port until the engine answers a ping.
func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.httpAddr+"/ping", nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-s.exited:
			return fmt.Errorf("embedded ClickHouse ended at start: %s (another process may hold its directory: stop that "+
				"one, or choose another with --data)", s.lastWords)
		case <-ctx.Done():
			return fmt.Errorf("embedded ClickHouse did not answer: %w; it said: %s", ctx.Err(), s.lastWords)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Addr is the host:port of the native protocol.
func (s *Server) Addr() string { return s.addr }

// HTTPAddr is the host:port of the HTTP interface.
func (s *Server) HTTPAddr() string { return s.httpAddr }

// Done is closed when the engine has ended for good, asked to or not.
func (s *Server) Done() <-chan struct{} { return s.done }

// Close ends the engine and waits for it. Acknowledged rows stay.
func (s *Server) Close() error {
	s.end()
	<-s.done
	return nil
}

// end asks the child to end, and makes it.
func (s *Server) end() {
	s.mu.Lock()
	s.closing = true
	cmd, stdin, exited := s.cmd, s.stdin, s.exited
	s.mu.Unlock()
	_ = stdin.Close()
	select {
	case <-exited:
	case <-time.After(10 * time.Second):
		_ = cmd.Process.Kill()
		<-exited
	}
}

// claim returns the port, or a free one for 0, having seen that it can be bound.
func claim(port int) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return 0, err
	}
	addr, ok := l.Addr().(*net.TCPAddr)
	if err := l.Close(); err != nil || !ok {
		return 0, errors.Join(errors.New("no TCP address"), err)
	}
	return addr.Port, nil
}

// tail keeps the last words of the engine, for the error that needs them.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - 4096; over > 0 {
		t.buf = t.buf[over:]
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var lines []string
	sc := bufio.NewScanner(bytes.NewReader(t.buf))
	for sc.Scan() {
		lines = append(lines, sc.Text())
	}
	if len(lines) > 6 {
		lines = lines[len(lines)-6:]
	}
	if len(lines) == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%q", lines)
}
