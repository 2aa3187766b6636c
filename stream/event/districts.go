package event

import (
	_ "embed"
	"strings"
	"sync"
)

// districtNames are the codes of GB/T 2260 down to counties, as the Ministry of
// Civil Affairs publishes them, one a line with its name.
//
//go:embed districts.txt
var districtNames string

// NamedDistrict is a district with its code of GB/T 2260.
type NamedDistrict struct{ Code, Name string }

// districts are in the order of their codes, and so is their file.
var districts = sync.OnceValues(func() (list []NamedDistrict, byCode map[string]string) {
	byCode = make(map[string]string, 4000)
	for line := range strings.Lines(districtNames) {
		code, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		list = append(list, NamedDistrict{code, name})
		byCode[code] = name
	}
	return list, byCode
})

// District is the name of a district by its code of GB/T 2260: 云岩区 for
// 520103; empty where the code is not known.
func District(code string) string {
	_, byCode := districts()
	return byCode[code]
}

// Districts lists those whose code begins with a prefix, by code: a province has
// two digits, a city four.
func Districts(prefix string) (out []NamedDistrict) {
	list, _ := districts()
	for _, d := range list {
		if strings.HasPrefix(d.Code, prefix) {
			out = append(out, d)
		}
	}
	return out
}
