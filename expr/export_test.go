package expr

// CompileSlow compiles a source so that the library answers all of it.
func CompileSlow(source string, o Options) (*Program, error) {
	return compile(source, o, how{slow: true})
}

// CompileTemplateSlow does that for the leaves of a template.
func CompileTemplateSlow(raw []byte, o Options) (*Template, error) {
	return compileTemplate(raw, o, true)
}
