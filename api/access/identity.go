package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
)

// Role is what an identity may do.
type Role string

// The roles. An admin may do what any person of the center may; a bank sees
// its own stops and nothing else.
const (
	Analyst    Role = "analyst"
	Supervisor Role = "supervisor"
	Bank       Role = "bank"
	Police     Role = "police"
	Admin      Role = "admin"
)

// Identity is who a key belongs to.
type Identity struct {
	Name   string `json:"name"`
	Role   Role   `json:"role"`
	Bank   string `json:"bank,omitempty"`   // the bank's code, for the role bank
	Key    string `json:"key,omitempty"`    // in the file of a trial only
	SHA256 string `json:"sha256,omitempty"` // of the key, hex; what a center keeps
}

// AtCenter says whether the identity works for the center: such people read what
// the police and banks need not know.
func (id *Identity) AtCenter() bool {
	return id.Role == Analyst || id.Role == Supervisor || id.Role == Admin
}

// Identities are the keys that are accepted.
type Identities struct {
	list []Identity
	sums [][sha256.Size]byte
}

// NewKey returns a key of 160 random bits, and the entry for it.
func NewKey(name string, role Role, bank string) (key string, id Identity) {
	raw := make([]byte, 20)
	_, _ = rand.Read(raw) // never fails
	key = "sl_" + hex.EncodeToString(raw)
	sum := sha256.Sum256([]byte(key))
	return key, Identity{Name: name, Role: role, Bank: bank, SHA256: hex.EncodeToString(sum[:])}
}

// Len is how many keys are accepted.
func (ids *Identities) Len() int { return len(ids.list) }

// InClear is how many of them the file holds in clear.
func (ids *Identities) InClear() int {
	n := 0
	for i := range ids.list {
		if ids.list[i].Key != "" {
			n++
		}
	}
	return n
}

// Local returns the key of the first identity with the role (and bank), where
// the file holds it.
func (ids *Identities) Local(role Role, bank string) string {
	for _, id := range ids.list {
		if id.Role == role && (bank == "" || id.Bank == bank) {
			return id.Key
		}
	}
	return ""
}

// Find looks a key up; nil: nobody has it. It compares with every entry, in
// constant time.
func (ids *Identities) Find(key string) *Identity {
	sum := sha256.Sum256([]byte(key))
	found := -1
	for i := range ids.sums {
		if subtle.ConstantTimeCompare(sum[:], ids.sums[i][:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return nil
	}
	return &ids.list[found]
}

type identityKey struct{}

// With is the context of a request that an identity makes.
func With(ctx context.Context, id *Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}

// Known is the identity that makes a request; nil without a known key.
func Known(ctx context.Context) *Identity {
	id, _ := ctx.Value(identityKey{}).(*Identity)
	return id
}

// Who is the caller of a route that needs a key; elsewhere it may be nobody, with
// no name and no role.
func Who(ctx context.Context) *Identity {
	if id := Known(ctx); id != nil {
		return id
	}
	return &Identity{}
}
