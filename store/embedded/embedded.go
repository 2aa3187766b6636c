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
)

// childArg is the hidden subcommand under which the binary becomes the engine.
const childArg = "clickhouse-engine"

// EnvLibrary names the variable that points at libchdb.so.
const EnvLibrary = "STOPLINE_ENGINE"

// Options say where the engine keeps its data and listens.
type Options struct {
	Dir      string // data directory; it belongs to one process at a time
	Port     int    // native protocol; 0 takes one that is free
	HTTPPort int    // 0 takes one that is free
	Library  string // libchdb.so; empty: looked for in the usual places
}

// Server is a running engine.
type Server struct {
	addr, httpAddr string
	cmd            *exec.Cmd
	stdin          io.WriteCloser
	done           chan struct{}
	once           sync.Once
	lastWords      *tail
}

// Library finds libchdb.so, or says how to get it.
func Library() (string, error) {
	var places []string
	if p := os.Getenv(EnvLibrary); p != "" {
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
	return "", fmt.Errorf("the ClickHouse engine (libchdb.so) is not here: run \"make engine\" in the source tree, set %s to its path, or use a running server with --clickhouse HOST:PORT", EnvLibrary)
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
			return nil, fmt.Errorf("embedded ClickHouse: port %d is taken: stop what listens there, choose another with %s, or use a running server with --clickhouse HOST:PORT", *port, flag)
		}
		*port = p
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("embedded ClickHouse: find this program: %w", err)
	}
	s := &Server{
		addr:      net.JoinHostPort("127.0.0.1", strconv.Itoa(o.Port)),
		httpAddr:  net.JoinHostPort("127.0.0.1", strconv.Itoa(o.HTTPPort)),
		done:      make(chan struct{}),
		lastWords: &tail{},
	}
	// Not CommandContext: the engine outlives the context, so that what is in
	// flight can still be written while the service drains. Close ends it.
	s.cmd = exec.Command(exe, childArg, o.Library, o.Dir, strconv.Itoa(o.Port), strconv.Itoa(o.HTTPPort))
	s.cmd.Stdout, s.cmd.Stderr = s.lastWords, s.lastWords
	// A process group of its own: Ctrl-C is for this process, which ends the
	// engine when everything has been written.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("embedded ClickHouse: %w", err)
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("embedded ClickHouse: start: %w", err)
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.done)
	}()
	if err := s.await(ctx); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
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
		case <-s.done:
			return fmt.Errorf("embedded ClickHouse ended at start: %s (another process may hold its directory: stop that one, or choose another with --data)", s.lastWords)
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

// Done is closed when the engine has ended, asked to or not.
func (s *Server) Done() <-chan struct{} { return s.done }

// Close ends the engine and waits for it. Acknowledged rows stay.
func (s *Server) Close() error {
	s.once.Do(func() { _ = s.stdin.Close() })
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.done
	}
	return nil
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
