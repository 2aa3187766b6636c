package access

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"stopline.internal/store/ledger/law"
	"stopline.internal/stream/event"
)

// minKey is the length that a key in clear must have, in characters: 128 bits
// as hexadecimal digits.
const minKey = 32

// Register is the banks that may have keys: a key for any other code would see no
// stop, so that a mistyped one is refused.
type Register struct{ *event.Banks }

// LoadIdentities reads a keys file with the banks that come with the program.
func LoadIdentities(path string) (*Identities, error) {
	return Register{event.BuiltInBanks()}.LoadIdentities(path)
}

// LocalIdentities is the same for [Register.LocalIdentities].
func LocalIdentities(path string, banks []string) (*Identities, error) {
	return Register{event.BuiltInBanks()}.LocalIdentities(path, banks)
}

// LoadIdentities reads a keys file, a JSON list of identities, and says
// everything that is wrong with it.
func (r Register) LoadIdentities(path string) (*Identities, error) {
	list, err := r.readKeys(path)
	if err != nil {
		return nil, err
	}
	ids := &Identities{list: list}
	for i := range list {
		sum, _ := list[i].sum() // it has been checked
		ids.sums = append(ids.sums, sum)
	}
	return ids, nil
}

// LocalIdentities reads the keys of a trial, and makes them when they are not
// there: one for each role, and one for each bank, in clear.
func (r Register) LocalIdentities(path string, banks []string) (*Identities, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		var list []Identity
		add := func(name string, role Role, bank string) {
			key, id := NewKey(name, role, bank)
			id.Key, id.SHA256 = key, ""
			list = append(list, id)
		}
		for _, role := range []Role{Analyst, Supervisor, Police, Admin} {
			add(string(role), role, "")
		}
		for _, b := range banks {
			add("bank "+b, Bank, b)
		}
		if err := errors.Join(r.check(list)...); err != nil {
			return nil, err
		}
		if err := changeKeys(path, func() ([]Identity, error) { return list, nil }); err != nil {
			return nil, err
		}
	}
	return r.LoadIdentities(path)
}

// AddIdentity puts an entry at the end of a keys file, and makes the file when
// there is none.
func (r Register) AddIdentity(path string, id Identity) error {
	return changeKeys(path, func() ([]Identity, error) {
		list, err := r.readKeys(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		list = append(list, id)
		return list, errors.Join(r.check(list)...)
	})
}

// Check says what is wrong with one entry; nil when it can be used.
func (r Register) Check(id Identity) error { return errors.Join(r.check([]Identity{id})...) }

// readKeys reads a keys file and says everything that is wrong with it.
func (r Register) readKeys(path string) ([]Identity, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	list, errs := parseKeys(b)
	errs = append(errs, r.check(list)...)
	errs = append(errs, checkMode(path, info.Mode().Perm(), list)...)
	if len(errs) > 0 {
		return nil, fmt.Errorf("the keys in %s cannot be used:\n%w", path, errors.Join(errs...))
	}
	return list, nil
}

// parseKeys decodes the list; what it cannot decode it names.
func parseKeys(b []byte) ([]Identity, []error) {
	var entries []map[string]jsontext.Value
	if err := jsonv2.Unmarshal(b, &entries); err != nil {
		return nil, []error{fmt.Errorf("it must be one JSON list of entries and nothing else: %w", err)}
	}
	list := make([]Identity, len(entries))
	var errs []error
	for i, fields := range entries {
		var unknown []string
		for name, value := range fields {
			var err error
			switch name {
			case "name":
				err = jsonv2.Unmarshal(value, &list[i].Name)
			case "role":
				err = jsonv2.Unmarshal(value, &list[i].Role)
			case "bank":
				err = jsonv2.Unmarshal(value, &list[i].Bank)
			case "key":
				err = jsonv2.Unmarshal(value, &list[i].Key)
			case "sha256":
				err = jsonv2.Unmarshal(value, &list[i].SHA256)
			default:
				unknown = append(unknown, name)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %s must be a text", label(i, fields["name"]), name))
			}
		}
		slices.Sort(unknown)
		for _, name := range unknown {
			errs = append(errs, fmt.Errorf("%s: there is no field %q: the fields are name, role, bank, sha256 "+
				"(and key, in a trial)", label(i, fields["name"]), name))
		}
	}
	return list, errs
}

// label names an entry by its number and its name.
func label(i int, name jsontext.Value) string {
	var text string
	_ = jsonv2.Unmarshal(name, &text) // the number is enough
	return fmt.Sprintf("entry %d (%s)", i+1, text)
}

// checkMode says who may read and write the file that should not.
func checkMode(path string, mode fs.FileMode, list []Identity) []error {
	inClear := slices.ContainsFunc(list, func(id Identity) bool { return id.Key != "" })
	switch {
	case inClear && mode&0o077 != 0:
		return []error{fmt.Errorf("it holds keys in clear and has mode %04o: others than its owner may read or write it: "+
			"chmod 600 %s", mode, path)}
	case mode&0o027 != 0:
		return []error{fmt.Errorf("it has mode %04o: others may read or write it: "+
			"chmod 640 %s, or chmod 600 where no group needs it", mode, path)}
	}
	return nil
}

// check says everything that is wrong with the entries.
func (r Register) check(list []Identity) []error {
	names, sums := map[string]int{}, map[[sha256.Size]byte]int{}
	var errs []error
	for i := range list {
		id := &list[i]
		wrong := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("entry %d (%s): "+format, append([]any{i + 1, id.Name}, args...)...))
		}
		if first, twice := names[id.Name]; twice && id.Name != "" {
			wrong("entry %d has the same name: decisions are signed with it, so that each needs one of its own", first)
		}
		names[id.Name] = i + 1
		r.checkOwner(id, wrong)
		sum, err := id.sum()
		if err != nil {
			wrong("%w", err)
			continue
		}
		if first, twice := sums[sum]; twice {
			wrong("entry %d has the same key: make one of its own with \"stopline keys new\"", first)
		}
		sums[sum] = i + 1
	}
	return errs
}

// checkOwner says what is wrong with whose a key is.
func (r Register) checkOwner(id *Identity, wrong func(string, ...any)) {
	reserved := func(name string) bool { return strings.EqualFold(name, id.Name) }
	switch {
	case strings.TrimSpace(id.Name) == "":
		wrong("it needs a name: decisions are signed with it")
	case strings.TrimSpace(id.Name) != id.Name:
		wrong("its name begins or ends with a space")
	case slices.ContainsFunc(law.AutomaticAuthors(), reserved):
		wrong("the service itself signs with this name: choose another (reserved: %s)",
			strings.Join(law.AutomaticAuthors(), ", "))
	}
	switch id.Role {
	case Analyst, Supervisor, Police, Admin:
		if id.Bank != "" {
			wrong("the role %s has no bank: take %q out, or give it the role bank", id.Role, id.Bank)
		}
	case Bank:
		if _, known := r.Find(id.Bank); id.Bank == "" {
			wrong("it has the role bank and needs its bank's code")
		} else if !known {
			wrong("the bank %q is not known: %s; or name a register with --bank-register", id.Bank, r.Codes())
		}
	default:
		wrong("role %q is none of analyst, supervisor, bank, police, admin", id.Role)
	}
}

// sum is the SHA-256 of an identity's key, however the file carries it.
func (id *Identity) sum() (sum [sha256.Size]byte, err error) {
	switch raw, bad := hex.DecodeString(id.SHA256); {
	case id.Key != "" && id.SHA256 != "":
		return sum, errors.New("it has both key and sha256: keep sha256 alone")
	case id.Key != "" && len([]rune(id.Key)) < minKey:
		return sum, fmt.Errorf("its key is shorter than %d characters and could be guessed: "+
			"\"stopline keys new\" makes one", minKey)
	case id.Key != "":
		return sha256.Sum256([]byte(id.Key)), nil
	case bad != nil || copy(sum[:], raw) != len(sum) || len(raw) != len(sum):
		return sum, errors.New("it needs sha256, 64 hex digits: \"stopline keys new\" prints one")
	}
	return sum, nil
}

// changeKeys writes a keys file anew, whole or not at all. The new file lies
// beside the old one while it is made, so that two cannot change it at once.
func changeKeys(path string, change func() ([]Identity, error)) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("another command is changing %s, or was killed while it did: "+
			"wait for it, or remove %s.new: %w", path, path, err)
	}
	if err != nil {
		return fmt.Errorf("write the keys: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // it has gone when all went well
	list, err := change()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	var text bytes.Buffer
	encode := json.NewEncoder(&text)
	encode.SetIndent("", "  ")
	encode.SetEscapeHTML(false) // people read it
	if err := encode.Encode(list); err != nil {
		return errors.Join(err, f.Close())
	}
	_, err = f.Write(text.Bytes())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write the keys: %w", err)
	}
	return os.Rename(f.Name(), path)
}
