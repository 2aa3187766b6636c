package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
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
	Key    string `json:"key,omitempty"`    // in the file of a local run only
	SHA256 string `json:"sha256,omitempty"` // of the key, hex; what a center keeps
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

// LoadIdentities reads a JSON list of identities.
func LoadIdentities(path string) (*Identities, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	var list []Identity
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, fmt.Errorf("read the keys in %s: %w", path, err)
	}
	ids := &Identities{}
	for i, id := range list {
		var sum [sha256.Size]byte
		raw, err := hex.DecodeString(id.SHA256)
		switch {
		case id.Key != "":
			sum = sha256.Sum256([]byte(id.Key))
		case err != nil || copy(sum[:], raw) != len(sum):
			return nil, fmt.Errorf("%s: entry %d (%s) needs sha256, 64 hex digits: \"stopline keys new\" prints one", path, i+1, id.Name)
		}
		switch id.Role {
		case Analyst, Supervisor, Police, Admin:
		case Bank:
			if id.Bank == "" {
				return nil, fmt.Errorf("%s: entry %d (%s) has the role bank and needs its bank's code", path, i+1, id.Name)
			}
		default:
			return nil, fmt.Errorf("%s: entry %d (%s): role %q is none of analyst, supervisor, bank, police, admin", path, i+1, id.Name, id.Role)
		}
		ids.list, ids.sums = append(ids.list, id), append(ids.sums, sum)
	}
	return ids, nil
}

// LocalIdentities reads the keys of a local run, and makes them when they are
// not there: one for each role, and one for each bank.
func LocalIdentities(path string, banks []string) (*Identities, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		var list []Identity
		add := func(name string, role Role, bank string) {
			key, id := NewKey(name, role, bank)
			id.Key, id.SHA256 = key, ""
			list = append(list, id)
		}
		for _, r := range []Role{Analyst, Supervisor, Police, Admin} {
			add(string(r), r, "")
		}
		for _, b := range banks {
			add("bank "+b, Bank, b)
		}
		b, err := json.MarshalIndent(list, "", "  ")
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, append(b, '\n'), 0o600); err != nil {
			return nil, fmt.Errorf("write the local keys: %w", err)
		}
	}
	return LoadIdentities(path)
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

// find looks a key up. It compares with every entry, in constant time.
func (ids *Identities) find(key string) *Identity {
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

// identify puts the caller's identity into the request's context.
func (ids *Identities) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
			if id := ids.find(key); id != nil {
				r = r.WithContext(context.WithValue(r.Context(), identityKey{}, id))
			}
		}
		next.ServeHTTP(w, r)
	})
}

// who is the caller; the middleware of the operation has seen to it that there is one.
func who(ctx context.Context) *Identity {
	id, _ := ctx.Value(identityKey{}).(*Identity)
	if id == nil {
		return &Identity{}
	}
	return id
}

// mask hides all but the first character of a name from those who need not
// know it.
func mask(ctx context.Context, name string) string {
	if who(ctx).Role != Police || name == "" {
		return name
	}
	for i := range name {
		if i > 0 {
			return name[:i] + "*"
		}
	}
	return "*"
}
