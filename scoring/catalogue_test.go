package scoring

import "testing"

func TestDefaultCatalogueIsValid(t *testing.T) {
	c, err := ParseCatalogue("catalogue.yaml", DefaultCatalogue)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Patterns) < 6 {
		t.Fatalf("the default catalogue has %d patterns, want at least the six that the README names", len(c.Patterns))
	}
}
