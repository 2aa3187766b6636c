package law

import "slices"

// automatic are those who propose without a person.
var automatic = []string{"scoring", "report", "trail"}

// machinery are the others that write without a person: deadlines that passed,
// cases that are merged, deliveries, appeals that were upheld, the catalogue
// that comes with the program, and the kit that examines a bank.
var machinery = []string{"deadline", "ledger", "dispatch", "appeal", "built-in", "kit"}

// ProposesAlone says whether an author proposes without a person.
func ProposesAlone(author string) bool { return slices.Contains(automatic, author) }

// AutomaticAuthors lists the names that the service itself signs with. No
// person's key may have one of them: its decisions would count as the rules'.
func AutomaticAuthors() []string { return slices.Concat(automatic, machinery) }
