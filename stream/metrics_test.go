package stream

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// A source that makes names up fills no memory: a hundred names, then "other".
func TestUnknownFieldsAreBounded(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := NewMetrics(registry)
	m.Unknown.Count("transfer", "/"+strings.Repeat("x", 1000))
	for i := range 150 {
		m.Unknown.Count("transfer", fmt.Sprint("/made-up-", i))
	}
	m.Unknown.Count("transfer", "/made-up-7")
	m.Unknown.Count("call", "/made-up-7")
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		if f.GetName() != "stopline_unknown_fields_total" {
			continue
		}
		for _, s := range f.GetMetric() {
			labels := ""
			for _, l := range s.GetLabel() {
				labels += l.GetName() + "=" + l.GetValue() + " "
			}
			got[labels] = s.GetCounter().GetValue()
		}
	}
	if len(got) != 102 || got["field=/made-up-7 kind=transfer "] != 2 || got["field=/made-up-7 kind=call "] != 1 ||
		got["field=other kind=transfer "] != 51 {
		t.Errorf("%d series: %v", len(got), got)
	}
}
