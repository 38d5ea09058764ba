package expr

import (
	"maps"
	"slices"
)

// CompileSlow compiles a source so that the library answers all of it.
func CompileSlow(source string, o Options) (*Program, error) {
	return compile(source, o, how{slow: true})
}

// CompileTemplateSlow does that for the leaves of a template.
func CompileTemplateSlow(raw []byte, o Options) (*Template, error) {
	return compileTemplate(raw, o, true)
}

// Functions are all that a source may call.
func Functions() []string { return append(append([]string{}, functions...), macros...) }

// Operators are those of the library that are no words, and in.
func Operators() []string {
	seen := map[string]bool{}
	for _, name := range shownAs {
		if name == "in" || !wordy(rune(name[0])) {
			seen[name] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// Fields are the fields that may be read, with what each is.
func Fields() map[string]string {
	kinds := map[byte]string{'s': "text", 't': "time", 'i': "number", 'f': "number", 'd': "anything"}
	all := map[string]string{}
	for root, list := range fields {
		for _, one := range list {
			all[root+"."+one.name] = kinds[one.typ]
		}
	}
	return all
}

// Units are those of a time span.
func Units() []string {
	var all []string
	for unit := range units {
		all = append(all, string(unit))
	}
	return all
}

// Limits are the bounds, as docs/expressions.md names them.
func Limits() map[string]int {
	return map[string]int{
		"characters of an expression": MaxSource, "its words and signs": maxTokens, "brackets open at once, and question marks": maxDepth,
		"fields, indexes and calls in a row": maxChain, "different fields that it reads": maxSlots, "steps of a pattern of `matches`": maxPattern,
		"cost of asking it once, in units": DefaultMaxCost, "cost where a place allows more": HighestMaxCost, "signals that `count` counts": maxKeep,
		"bytes of a text that an expression makes": maxText, "parts that `split` makes": maxParts, "bytes of a template": MaxTemplate,
		"expressions in a template": maxHoles, "bytes of what a template gives": MaxRendered,
	}
}
