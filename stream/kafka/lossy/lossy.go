// Package lossy is a network for tests that loses: connections are cut, requests
// arrive whose answers do not, nobody can be reached for a while. It stands between a
// client and real TCP connections.
package lossy

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Network is a network that loses. It is safe for many goroutines.
type Network struct {
	mu    sync.Mutex
	rand  *rand.Rand
	conns map[*conn]bool
	down  bool
	mute  bool
	cut   float64 // the chance that a read or a write is the last of its connection
	delay time.Duration
}

// New returns a network that loses nothing yet.
func New(r *rand.Rand) *Network { return &Network{rand: r, conns: map[*conn]bool{}} }

// errLost is the error of a connection that the network has cut.
var errLost = errors.New("the network has cut the connection")

// Dial connects by TCP.
func (n *Network) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	down := n.down
	n.mu.Unlock()
	if down {
		return nil, errLost
	}
	var d net.Dialer
	real, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: real, network: n}
	n.mu.Lock()
	n.conns[c] = true
	n.mu.Unlock()
	return c, nil
}

// Down cuts every connection, and lets nobody connect until [Network.Up].
func (n *Network) Down() {
	n.mu.Lock()
	n.down = true
	conns := n.conns
	n.conns = map[*conn]bool{}
	n.mu.Unlock()
	for c := range conns {
		_ = c.Conn.Close()
	}
}

// Up ends [Network.Down] and [Network.Mute].
func (n *Network) Up() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down, n.mute = false, false
}

// Mute lets everything through to the other side and nothing back: what is asked is
// done, and nobody hears of it.
func (n *Network) Mute() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mute = true
}

// Cut sets the chance that a read or a write is the last one of its connection.
func (n *Network) Cut(chance float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = chance
}

// Delay delays each read and write by up to so long.
func (n *Network) Delay(most time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.delay = most
}

// fate decides about one read or write.
func (n *Network) fate() (cut, mute bool, wait time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.delay > 0 {
		wait = time.Duration(n.rand.Int64N(int64(n.delay)))
	}
	return n.rand.Float64() < n.cut, n.mute, wait
}

// conn is a connection through the network.
type conn struct {
	net.Conn
	network *Network
}

// Read reads, or finds the connection cut.
func (c *conn) Read(b []byte) (int, error) {
	k, err := c.Conn.Read(b)
	cut, mute, wait := c.network.fate()
	time.Sleep(wait)
	if cut || mute {
		_ = c.Conn.Close()
		return 0, errLost
	}
	return k, err
}

// Write writes, or half of it before the connection is cut.
func (c *conn) Write(b []byte) (int, error) {
	cut, _, wait := c.network.fate()
	time.Sleep(wait)
	if cut {
		k, _ := c.Conn.Write(b[:len(b)/2])
		_ = c.Conn.Close()
		return k, errLost
	}
	return c.Conn.Write(b)
}

// Close closes the connection.
func (c *conn) Close() error {
	c.network.mu.Lock()
	delete(c.network.conns, c)
	c.network.mu.Unlock()
	return c.Conn.Close()
}
