// Package retry waits for a server that is away: it tries again, after pauses
// that grow to a bound and differ between replicas. It decides nothing about what
// is tried. Start with [Pauses.Do].
package retry
