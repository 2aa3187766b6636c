// Package public is what needs no key, or is of the process: whether it lives and is
// ready, its metrics, the API document and its pages, the console's files. It answers
// with nothing about any stop.
//
// Start with [Mount].
package public
