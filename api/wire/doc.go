// Package wire is the documents of the API: the bodies of requests and answers,
// problems, and how the ledger's and the warehouse's types become documents for
// the one who reads them. It knows no routes, and looks nothing up by itself.
//
// Start with [Stop], the document that banks and people see most, and [Problem].
package wire
