package embedded

import (
	"context"
	"database/sql"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	_ "github.com/ClickHouse/clickhouse-go/v2"
)

func TestMain(m *testing.M) {
	RunChild()
	os.Exit(m.Run())
}

func dial(t *testing.T, s *Server) *sql.DB {
	t.Helper()
	db, err := sql.Open("clickhouse", "clickhouse://"+s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// Rows that were acknowledged are there after the engine was killed; it is
// started again by itself.
func TestTablesSurviveKill(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dir := t.TempDir()
	s, err := Start(ctx, Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	db := dial(t, s)
	for _, q := range []string{"CREATE DATABASE d", "CREATE TABLE d.t (n UInt32) ENGINE = MergeTree ORDER BY n",
		"INSERT INTO d.t SELECT number FROM numbers(1000)"} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	if _, err := Start(ctx, Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second engine on the directory: %v", err)
	}
	kill := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		_ = s.cmd.Process.Kill() // it may be dead already
	}
	kill()
	var n int
	for n == 0 && ctx.Err() == nil {
		if err = db.QueryRowContext(ctx, "SELECT count() FROM d.t").Scan(&n); err != nil {
			time.Sleep(50 * time.Millisecond)
		}
	}
	if n != 1000 {
		t.Errorf("%d rows are there, %v; want 1000", n, err)
	}
	_ = db.Close()
	// One that keeps ending is given up.
	for end := false; !end; {
		select {
		case <-s.Done():
			end = true
		case <-ctx.Done():
			t.Fatal("an engine that keeps ending is started for ever")
		case <-time.After(20 * time.Millisecond):
			kill()
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if _, err := Start(t.Context(), Options{Dir: t.TempDir(), Port: l.Addr().(*net.TCPAddr).Port}); err == nil ||
		!strings.Contains(err.Error(), "--clickhouse-port") {
		t.Errorf("port taken: %v", err)
	}
	if _, err := Start(t.Context(), Options{Dir: t.TempDir(), Library: "/nowhere/libchdb.so"}); err == nil ||
		!strings.Contains(err.Error(), "libchdb.so") {
		t.Errorf("library missing: %v", err)
	}
}
