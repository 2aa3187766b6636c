package access

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stopline.internal/stream/event"
)

const (
	sumA    = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	longSum = "5e318f8cf9cbe249a30812b8ca132d691ded7a91991413558db5758575f5e01f" // of 32 times k
	sumB    = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
)

func keysFile(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	return path
}

// keysFiles are keys files, with what is wrong in each.
var keysFiles = []struct {
	what string
	mode os.FileMode
	text string
	want []string // in the error; none: it is taken
}{
	{"as it should be", 0o640,
		`[{"name":"ann","role":"analyst","sha256":"SUM_A"},
			{"name":"bank ICBK","role":"bank","bank":"ICBK","sha256":"SUM_B"}]`,
		nil},
	{"a clear key of 32 characters, for its owner alone", 0o600,
		`[{"name":"ann","role":"analyst","key":"LONG"}]`,
		nil},
	{"a clear key, and the group may read", 0o640,
		`[{"name":"ann","role":"analyst","key":"LONG"}]`,
		[]string{"0640", "chmod 600 "}},
	{"others may read", 0o644,
		`[{"name":"ann","role":"analyst","sha256":"SUM_A"}]`,
		[]string{"0644", "chmod 640 "}},
	{"the group may write", 0o660,
		`[{"name":"ann","role":"analyst","sha256":"SUM_A"}]`,
		[]string{"0660", "chmod 640 "}},
	{"a key of 31 characters", 0o600,
		`[{"name":"ann","role":"analyst","key":"SHORT"}]`,
		[]string{"entry 1 (ann)", "32 characters", "keys new"}},
	{"one name twice", 0o600,
		`[{"name":"ann","role":"analyst","sha256":"SUM_A"},
			{"name":"ann","role":"admin","sha256":"SUM_B"}]`,
		[]string{"entry 2 (ann)", "entry 1 has the same name"}},
	{"one key twice", 0o600,
		`[{"name":"ann","role":"analyst","sha256":"SUM_A"},
			{"name":"bob","role":"admin","sha256":"SUM_A_UPPER"}]`,
		[]string{"entry 2 (bob)", "entry 1 has the same key"}},
	{"one key twice, once in clear", 0o600,
		`[{"name":"ann","role":"analyst","key":"LONG"},
			{"name":"bob","role":"admin","sha256":"SUM_LONG"}]`,
		[]string{"entry 1 has the same key"}},
	{"no name", 0o600,
		`[{"name":" ","role":"analyst","sha256":"SUM_A"}]`,
		[]string{"entry 1", "needs a name"}},
	{"a name that the service signs with", 0o600,
		`[{"name":"Scoring","role":"analyst","sha256":"SUM_A"}]`,
		[]string{"entry 1 (Scoring)", "signs with this name"}},
	{"an unknown role", 0o600,
		`[{"name":"ann","role":"boss","sha256":"SUM_A"}]`,
		[]string{"entry 1 (ann)", `"boss"`}},
	{"an unknown bank", 0o600,
		`[{"name":"b","role":"bank","bank":"ICBC","sha256":"SUM_A"}]`,
		[]string{"entry 1 (b)", `"ICBC"`, "ICBK", "--bank-register"}},
	{"a bank without its code", 0o600,
		`[{"name":"b","role":"bank","sha256":"SUM_A"}]`,
		[]string{"entry 1 (b)", "bank's code"}},
	{"a person with a bank", 0o600,
		`[{"name":"ann","role":"analyst","bank":"ICBK","sha256":"SUM_A"}]`,
		[]string{"entry 1 (ann)", "has no bank"}},
	{"no key at all", 0o600,
		`[{"name":"ann","role":"analyst"}]`,
		[]string{"entry 1 (ann)", "64 hex digits"}},
	{"65 hex digits and more", 0o600,
		`[{"name":"ann","role":"analyst","sha256":"SUM_A00"}]`,
		[]string{"64 hex digits"}},
	{"two keys in one entry", 0o600,
		`[{"name":"ann","role":"analyst","key":"LONG","sha256":"SUM_A"}]`,
		[]string{"both"}},
	{"fields that do not exist", 0o600,
		`[{"name":"ann","role":"analyst","sha256":"SUM_A","banks":"ICBK","Role":"admin"}]`,
		[]string{`entry 1 (ann): there is no field "Role"`, `"banks"`}},
	{"a field twice", 0o600,
		`[{"name":"ann","role":"analyst","role":"admin","sha256":"SUM_A"}]`,
		[]string{"duplicate"}},
	{"something behind the list", 0o600,
		`[] []`,
		[]string{"nothing else"}},
	{"a number for a name", 0o600,
		`[{"name":5,"role":"analyst","sha256":"SUM_A"}]`,
		[]string{"entry 1", "name must be a text"}},
}

// Each mistake in a keys file is refused, with the entry and what to do.
func TestKeysFileMistakes(t *testing.T) {
	const long = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk" // 32 characters
	fill := strings.NewReplacer("SUM_A_UPPER", strings.ToUpper(sumA), "SUM_A", sumA, "SUM_B", sumB, "LONG", long,
		"SHORT", long[1:], "SUM_LONG", longSum)
	for _, c := range keysFiles {
		path := keysFile(t, fill.Replace(c.text), c.mode)
		_, err := LoadIdentities(path)
		if (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error does not say %q: %v", c.what, want, err)
			}
		}
	}
}

// All mistakes are said at once: nobody starts the service five times to find
// five of them.
func TestKeysFileSaysEverything(t *testing.T) {
	path := keysFile(
		t,
		`[{"name":"trail","role":"boss","sha256":"x","extra":1},{"name":"","role":"bank","bank":"NONE","key":"short"}]`,
		0o666,
	)
	_, err := LoadIdentities(path)
	if err == nil {
		t.Fatal("it is taken")
	}
	for _, want := range []string{"entry 1 (trail): there is no field", "entry 1 (trail): the service itself",
		"entry 1 (trail): role", "entry 1 (trail): it needs sha256",
		"entry 2 (): it needs a name", "entry 2 (): the bank", "entry 2 (): its key is shorter", "chmod 600"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}

// An entry that is added leaves those before it as they are; a file with a
// mistake, and an entry with one, change nothing.
func TestAddIdentity(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	banks := Register{event.BuiltInBanks()}
	var keys []string
	for _, who := range []struct {
		name string
		role Role
		bank string
	}{{"ann", Analyst, ""}, {"bank ICBK", Bank, "ICBK"}} {
		key, id := NewKey(who.name, who.role, who.bank)
		keys = append(keys, key)
		if err := banks.AddIdentity(path, id); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := LoadIdentities(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"ann", "bank ICBK"} {
		if id := ids.Find(keys[i]); id == nil || id.Name != want {
			t.Errorf("the key of %s finds %v", want, id)
		}
		if strings.Contains(string(text), keys[i]) {
			t.Errorf("the file holds the key of %s in clear", want)
		}
	}
	_, again := NewKey("ann", Admin, "")
	if err := banks.AddIdentity(path, again); err == nil || !strings.Contains(err.Error(), "same name") {
		t.Errorf("a second ann: %v", err)
	}
	if now, _ := os.ReadFile(path); string(now) != string(text) {
		t.Errorf("the refused entry changed the file: %s", now)
	}
	if _, err := os.Stat(path + ".new"); err == nil {
		t.Error("the file that was being made is left behind")
	}
	if err := os.WriteFile(path+".new", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, bob := NewKey("bob", Admin, "")
	if err := banks.AddIdentity(path, bob); err == nil || !strings.Contains(err.Error(), "remove "+path+".new") {
		t.Errorf("two at once: %v", err)
	}
}

// The register that comes with the program, and one of one's own.
func TestBankRegister(t *testing.T) {
	for code, zh := range map[string]string{"ICBK": "中国工商银行", "CMBC": "招商银行", "MSBC": "中国民生银行", "TEST": "测试银行"} {
		if b, ok := event.BuiltInBanks().Find(code); !ok || b.ZH != zh {
			t.Errorf("%s is %+v, want %s", code, b, zh)
		}
	}
	path := filepath.Join(t.TempDir(), "banks.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`[{"code":"GYCC","zh":"贵阳银行","en":"Bank of Guiyang"}]`)
	list, err := event.LoadBanks(path)
	if err != nil {
		t.Fatal(err)
	}
	r := Register{list}
	_, id := NewKey("bank GYCC", Bank, "GYCC")
	if err := r.Check(id); err != nil {
		t.Error(err)
	}
	if err := (Register{event.BuiltInBanks()}).Check(id); err == nil {
		t.Error("the built-in register knows GYCC")
	}
	write(`[{"code":"A","zh":"甲","en":"A"},{"code":"A","zh":"甲","en":"A"},{"code":"B"}]`)
	if _, err := event.LoadBanks(path); err == nil || !strings.Contains(err.Error(), "entry 2: A is there twice") ||
		!strings.Contains(err.Error(), "entry 3 (B)") {
		t.Errorf("%v", err)
	}
}
