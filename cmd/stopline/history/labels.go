package history

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
)

// Table is a file of features: a row an account or number.
type Table struct {
	Names []string // of the features
	Rows  []TableRow
}

// TableRow is one of them, with its values in the order of the names.
type TableRow struct {
	Entity string
	Values []float64
	Fraud  bool
}

// ReadTable reads a file of features.
func (m *Mapping) ReadTable(path string) (*Table, error) {
	rows, at, err := readAll(path, m.columns())
	if err != nil {
		return nil, err
	}
	t := &Table{}
	var columns []int
	for name, column := range m.Features {
		t.Names = append(t.Names, name)
		columns = append(columns, at[column])
	}
	for i, rec := range rows {
		r := TableRow{Entity: rec[at[m.Entity]], Fraud: m.Label.positive(rec[at[m.Label.Column]])}
		for j, col := range columns {
			v, err := strconv.ParseFloat(rec[col], 64)
			if err != nil && rec[col] != "" {
				return nil, fmt.Errorf("%s: line %d: %s: %q is no number", path, i+2, t.Names[j], rec[col])
			}
			r.Values = append(r.Values, v)
		}
		t.Rows = append(t.Rows, r)
	}
	return t, nil
}

// Kinds reads what sort of fraud each group is; nil where the mapping names no
// such file.
func (m *Mapping) Kinds(data string) (map[string]string, error) {
	k := &m.Label.Kinds
	if k.Key == "" {
		return nil, nil
	}
	dir, name := filepath.Split(data)
	rows, at, err := readAll(filepath.Join(dir, strings.Replace(name, k.From, k.To, 1)), []string{k.Key, k.Column})
	if err != nil {
		return nil, fmt.Errorf("the sorts of fraud: %w", err)
	}
	out := map[string]string{}
	for _, rec := range rows {
		out[rec[at[k.Key]]] = rec[at[k.Column]]
	}
	return out, nil
}

// readAll reads a whole file of labels.
func readAll(path string, columns []string) (rows [][]string, at map[string]int, err error) {
	f, err := open(path, nil)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r := csv.NewReader(f)
	header, err := r.Read()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: read the header: %w", path, err)
	}
	if at, err = columnsOf(path, header, columns); err != nil {
		return nil, nil, err
	}
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, at, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		rows = append(rows, rec)
	}
}
