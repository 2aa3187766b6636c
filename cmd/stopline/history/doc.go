// Package history turns anyone's CSV files into the documents that banks and
// telecoms send. A mapping, a few lines of YAML, says which column is what;
// those of some public data sets are built in. It also reads what the files
// say of fraud, to compare with the alerts.
//
// Start with [LoadMapping] and [Mapping.Read].
package history
