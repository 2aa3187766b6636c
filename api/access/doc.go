// Package access says who calls: the roles, the identities that keys belong to,
// and the file that a center keeps them in. It never says what a role may do:
// that is in the tables of routes.
//
// Start with [Identities].
package access
