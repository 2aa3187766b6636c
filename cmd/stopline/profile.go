package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// Profiling is for whoever looks at a running process.
type Profiling struct {
	Pprof string `help:"Serve Go's profiles at this address (docs/debugging.md). A profile shows what is in memory: loopback alone is allowed." placeholder:"127.0.0.1:6060"`
}

// profiles serves Go's profiles until ctx ends; nothing without an address.
func (s *service) profiles(addr string) error {
	if addr == "" {
		return nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("the profiles cannot be served on %s: choose another address with --pprof: %w", addr, err)
	}
	if tcp, ok := l.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		return errors.Join(fmt.Errorf("--pprof %s is not a loopback address: profiles show what is in memory; reach them "+
			"by a tunnel", addr), l.Close())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	s.logger.Info("profiles", "url", "http://"+l.Addr().String()+"/debug/pprof/")
	s.run("profiles", func(ctx context.Context) error {
		defer context.AfterFunc(ctx, func() { _ = server.Close() })()
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	return nil
}
