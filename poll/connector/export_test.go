package connector

import (
	"reflect"
	"slices"
	"strings"
)

// Keys are all keys that a definition may have.
func Keys() []string {
	var keys []string
	var add func(reflect.Type)
	add = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Map || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			return
		}
		for i := range t.NumField() {
			name, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
			if options == "inline" || name != "" {
				add(t.Field(i).Type)
			}
			if name != "" && !slices.Contains(keys, name) {
				keys = append(keys, name)
			}
		}
	}
	add(reflect.TypeFor[Definition]())
	return slices.DeleteFunc(keys, func(key string) bool { return key == "file" || key == "name" }) // a file is for what has no definition
}
