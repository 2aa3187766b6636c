// Package pattern reads the catalogue: a YAML list of patterns, each with a
// condition in CEL over named features. A condition is parsed and type-checked
// by CEL, then compiled to closures over the caller's view of an entity, since
// a pattern is looked at for every leg that it is on.
//
// It knows nothing of accounts or windows: the features are handed in. Start
// with [Parse].
package pattern
