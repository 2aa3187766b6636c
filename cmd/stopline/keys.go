package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"stopline.internal/api/access"
	"stopline.internal/stream/event"
)

// Register says which banks may have a key.
type Register struct {
	BankRegister string `help:"File of the banks that are known, in place of the built-in list: JSON as stream/event/banks.json." type:"existingfile" placeholder:"FILE"`
}

func (r *Register) banks() (register access.Register, err error) {
	register.Banks = event.BuiltInBanks()
	if r.BankRegister != "" {
		register.Banks, err = event.LoadBanks(r.BankRegister)
	}
	return register, err
}

type keysCmd struct {
	New   keysNewCmd   `cmd:"" help:"Make a key: it is shown once, and its entry is added to the keys file."`
	Local keysLocalCmd `cmd:"" help:"Make keys in clear for a trial: one for each role, one for each bank."`
}

type keysNewCmd struct {
	Name string `help:"Whose it is; decisions are signed with it." required:""`
	Role string `help:"analyst, supervisor, bank, police or admin." enum:"analyst,supervisor,bank,police,admin" required:""`
	Bank string `help:"The bank's code, for the role bank." placeholder:"ICBK"`
	File string `help:"Add the entry to this keys file, which is made when there is none; without it the entry is only printed." type:"path" placeholder:"keys.json"`
	Register
}

// Run makes a key and shows it, once its entry is safely in the file.
func (c *keysNewCmd) Run() error {
	if (c.Role == string(access.Bank)) != (c.Bank != "") {
		return errors.New("--bank CODE goes with --role bank, and only with it")
	}
	banks, err := c.banks()
	if err != nil {
		return err
	}
	key, id := access.NewKey(c.Name, access.Role(c.Role), c.Bank)
	if c.File != "" {
		err = banks.AddIdentity(c.File, id)
	} else {
		err = banks.Check(id)
	}
	if err != nil {
		return fmt.Errorf("no key was made: %w", err)
	}
	fmt.Fprintln(os.Stderr, "give this key to its owner; it is not shown again:", key)
	if c.File != "" {
		fmt.Fprintf(os.Stderr, "its SHA-256 is in %s; a service that runs reads the file when it is started again\n", c.File)
	}
	return printSummary(id)
}

type keysLocalCmd struct {
	Data  string   `help:"The data directory that \"stopline serve --data\" is given; the keys are written to keys.json in it." default:"./data" type:"path"`
	Banks []string `help:"The banks that get a key." default:"ABOC,BKCH,COMM,ICBK,PCBC,PSBC"`
	Register
}

// Run makes the keys, unless there are some.
func (c *keysLocalCmd) Run() error {
	banks, err := c.banks()
	if err != nil {
		return err
	}
	path := filepath.Join(c.Data, "keys.json")
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, fmt.Errorf("%s is there already, and is left as it is: remove it to make new keys, "+
			"or add one with \"stopline keys new --file %s\"", path, path))
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return err
	}
	ids, err := banks.LocalIdentities(path, c.Banks)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d keys are in %s, in clear. They are for a trial: "+
		"whoever reads the file can stop and release money.\nA center keeps SHA-256 sums alone: "+
		"stopline keys new --name NAME --role ROLE --file keys.json\n", ids.Len(), path)
	return printSummary(map[string]any{"file": path, "keys": ids.Len()})
}
