package route

import (
	"errors"
	"fmt"
	"reflect"
)

// Require names every dependency of a room that is missing: fields of the struct
// that are nil and have no tag `optional:"..."`, which says what nil means there.
func Require(room string, dependencies any) error {
	v := reflect.ValueOf(dependencies)
	var missing []error
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if _, optional := field.Tag.Lookup("optional"); optional {
			continue
		}
		switch f := v.Field(i); f.Kind() {
		case reflect.Pointer, reflect.Interface, reflect.Func:
			if f.IsNil() {
				missing = append(missing, fmt.Errorf("%s: the dependency %s is missing", room, field.Name))
			}
		default:
		}
	}
	return errors.Join(missing...)
}
