package scoring

import _ "embed"

// DefaultCatalogue is the catalogue that the service starts with, as YAML.
//
//go:embed catalogue.yaml
var DefaultCatalogue []byte
