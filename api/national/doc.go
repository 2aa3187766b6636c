// Package national writes and reads the national platform's messages: applications
// to stop, extend, freeze and release, and the banks' feedback on them.
//
// The vocabulary is that of bank-side code of 2016; the version in force may differ,
// so that a center checks it before it relies on it. The package has no transport: a
// center puts its own behind these messages. docs/national.md lists every field and
// what it stands for here; going there and back loses nothing, and tests say so.
// Start with [Application].
package national
