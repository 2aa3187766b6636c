package event

import "testing"

// Codes of GB/T 2260 have their names: of a province, a city, a county.
func TestDistricts(t *testing.T) {
	for code, name := range map[string]string{"520000": "贵州省", "520100": "贵阳市", "520103": "云岩区", "520115": "观山湖区",
		"110101": "东城区", "650100": "乌鲁木齐市", "999999": "", "": ""} {
		if got := District(code); got != name {
			t.Errorf("%s is %q, want %q", code, got, name)
		}
	}
	city := Districts("5201")
	if len(city) != 12 || city[0] != (NamedDistrict{"520100", "贵阳市"}) || city[11].Name != "清镇市" {
		t.Errorf("Guiyang: %v, want itself, its own urban area and ten counties", city)
	}
	if n := len(Districts("")); n < 3000 {
		t.Errorf("%d districts in all", n)
	}
}
