package connector

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"signalbox"
	"signalbox/expr"
	"signalbox/strictjson"
)

var (
	definitionName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)
	streamName     = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
)

// unifiedFields are those of the record types that are the same for every product (S4-10 to S4-15). Other record types have what their definitions name.
var unifiedFields = map[string][]string{
	"employees":    {"employee_number", "first_name", "last_name", "name", "display_name", "work_email", "personal_email", "work_phone", "job_title", "department", "location", "manager_id", "hire_date", "termination_date", "employment_status"},
	"employments":  {"employee_id", "job_title", "department", "division", "location", "manager_id", "effective_date", "employment_status", "employment_type"},
	"interviews":   {"application_id", "candidate_id", "job_id", "name", "status", "start_at", "end_at", "location", "created_at", "updated_at"},
	"applications": {"candidate_id", "job_id", "job_posting_id", "status", "stage", "source_id", "rejected_at", "created_at", "updated_at"},
	"candidates":   {"first_name", "last_name", "name", "email", "title", "company", "created_at", "updated_at"},
	"job_postings": {"job_id", "title", "status", "location", "internal", "published_at", "created_at", "updated_at"},
}

// identityParts are what a signal about a record may say of whom it is about.
var identityParts = []string{"account_domain", "account_name", "email", "first_name", "last_name", "linkedin_url", "title"}

// check judges a definition that was decoded, and compiles its expressions.
func (r *definitionReader) check(d *Definition) error {
	switch {
	case !definitionName.MatchString(d.Name):
		return r.fail("name", "is missing or no name: lower-case letters, digits, - and _, as in bamboohr")
	case !isDefinition(r.file, d.Name):
		return r.fail("name", "must be that of the file: %s belongs into %s.yaml", d.Name, d.Name)
	case len(d.Streams) == 0:
		return r.fail("streams", "is missing; a definition has at least one stream")
	case len(d.Streams) > maxStreams:
		return r.fail("streams", "has %d streams, the most is %d", len(d.Streams), maxStreams)
	case len(d.Settings) > maxSettings:
		return r.fail("settings", "has %d settings, the most is %d", len(d.Settings), maxSettings)
	}
	for _, name := range sortedKeys(d.Settings) {
		if err := r.setting(d, name); err != nil {
			return err
		}
	}
	if err := r.auth(d); err != nil {
		return err
	}
	for _, name := range d.Names() {
		s := d.Streams[name]
		if s == nil {
			return r.fail("streams."+name, "is empty; a stream has at least url and id")
		}
		if err := r.stream(d, name, s); err != nil {
			return err
		}
	}
	return nil
}

func (r *definitionReader) setting(d *Definition, name string) error {
	s, at := d.Settings[name], "settings."+name
	switch {
	case !streamName.MatchString(name) || reserved[name]:
		return r.fail(at, "is no name of a setting: lower-case letters, digits and _, and neither id nor since")
	case s.Kind != "" && s.Kind != kindURL:
		return r.fail(at+".kind", "is url or left out")
	case s.Default == "" && s.Example == "":
		return r.fail(at, "needs an example, with which the definition is checked, or a default")
	}
	if s.Pattern != "" {
		pattern, err := regexp.Compile(`^(?:` + s.Pattern + `)$`)
		if err != nil || len(s.Pattern) > 500 {
			return r.fail(at+".pattern", "is no regular expression (RE2) of at most 500 bytes")
		}
		s.pattern = pattern
		d.Settings[name] = s
	}
	for key, value := range map[string]string{"default": s.Default, "example": s.Example} {
		if msg := s.check(value); msg != "" {
			return r.fail(at+"."+key, "%s", msg)
		}
	}
	return nil
}

func (r *definitionReader) auth(d *Definition) error {
	var kinds []string
	for i, a := range d.Auth {
		if slices.Contains(kinds, a.Type) {
			return r.fail("auth", "the type %.40q is given twice; whoever links an account chooses by it", a.Type)
		}
		if a.Type == "" {
			return r.fail("auth", "the way to sign in number %d has no type", i+1)
		}
		kinds = append(kinds, a.Type)
	}
	return nil
}

// stream checks a stream as it is with the examples of the settings.
func (r *definitionReader) stream(d *Definition, name string, s *Stream) error {
	at := "streams." + name
	switch {
	case name != AnyStream && !streamName.MatchString(name):
		return r.fail(at, "is no record type: lower-case letters, digits and _, as in job_postings")
	case !streamName.MatchString(s.API):
		return r.fail(at+".api", "is missing or no name; it is what the records' events are named after, as in hris")
	case s.Auth.Type != "" || len(s.Headers) > 0 || s.Rate != RateLimit{}:
		return r.fail(at, "has auth, headers or rate_limit, which are the whole definition's")
	}
	if s.Type == "" {
		s.Type = TypeHTTP
	}
	if s.File != "" {
		return r.fail(at+".file", "files are of one server; a definition has addresses")
	}
	if err := r.places(d, at, s); err != nil {
		return err
	}
	examples := map[string]string{}
	for key, setting := range d.Settings {
		examples[key] = nameOr(setting.Default, setting.Example)
	}
	for _, kind := range append([]Auth{{}}, d.Auth...) {
		if _, err := d.Config(name, examples, kind.Type); err != nil {
			return r.configError(at, err)
		}
	}
	return r.expressions(at, name, s)
}

// places checks that each placeholder is a setting's, and that no setting decides about the host.
func (r *definitionReader) places(d *Definition, at string, s *Stream) error {
	addresses := map[string]string{"url": s.URL, "by_id": s.ByID}
	for i := range d.Auth {
		addresses["auth"] = d.Auth[i].TokenURL
	}
	texts := []string{s.URL, s.ByID, s.Records, s.ID, s.Total, s.Pagination.Param, s.Pagination.SizeParam, s.Pagination.Next}
	for _, m := range []map[string]string{s.Query, d.Headers} {
		for _, value := range m {
			texts = append(texts, value)
		}
	}
	for _, a := range d.Auth {
		texts = append(texts, a.TokenURL, a.Scope)
		for _, value := range a.Params {
			texts = append(texts, value)
		}
	}
	for _, text := range texts {
		for _, found := range placeholder.FindAllStringSubmatch(text, -1) {
			if _, known := d.Settings[found[1]]; !known && !reserved[found[1]] {
				return r.fail(at, "%s stands for no setting; there are %s", found[0], listed(sortedKeys(d.Settings)))
			}
		}
	}
	for _, field := range sortedKeys(addresses) {
		_, host, _ := splitHost(addresses[field])
		if last := strings.LastIndexByte(host, '}'); last >= 0 && strings.Count(host[last:], ".") < 2 {
			return r.fail(at+"."+field, "a setting may be a label of the host's name, before at least two fixed ones, as in {domain}.example.com")
		}
	}
	return nil
}

// configError puts what Config.Check says into the place in the file.
func (r *definitionReader) configError(at string, err error) error {
	var e *signalbox.Error
	if !errors.As(err, &e) {
		return r.fail(at, "%s", err)
	}
	field := strings.TrimPrefix(e.Param, "connector.")
	switch top, _, _ := strings.Cut(field, "."); top {
	case "auth", "headers", "rate_limit", "settings":
		return r.fail(field, "%s", e.Msg)
	}
	return r.fail(at+"."+field, "%s", e.Msg)
}

// expressions compiles the mappings of a stream.
func (r *definitionReader) expressions(at, name string, s *Stream) (err error) {
	known := unifiedFields[name]
	for _, field := range sortedKeys(s.Unified) {
		if !streamName.MatchString(field) || known != nil && !slices.Contains(known, field) {
			return r.fail(at+".unified."+field, "is no unified field of %s; those are %s", name, nameOr(strings.Join(known, ", "), "of lower-case letters, digits and _"))
		}
	}
	for _, part := range sortedKeys(s.Identity) {
		if !slices.Contains(identityParts, part) {
			return r.fail(at+".identity."+part, "says nothing about whom a record is about; there are %s", strings.Join(identityParts, ", "))
		}
	}
	if s.unified, err = r.template(at+".unified", s.Unified); err != nil {
		return err
	}
	s.identity, err = r.template(at+".identity", s.Identity)
	return err
}

// template makes one template of the expressions of a mapping.
func (r *definitionReader) template(at string, m map[string]string) (*expr.Template, error) {
	if len(m) == 0 {
		return nil, nil
	}
	if len(m) > maxUnified {
		return nil, r.fail(at, "has %d fields, the most is %d", len(m), maxUnified)
	}
	object := []byte{'{'}
	for i, field := range sortedKeys(m) {
		path := at + "." + field
		program, err := expr.Compile(m[field], mappingOptions)
		var bad *expr.Error
		switch {
		case errors.As(err, &bad):
			return nil, r.fail(path, "line %d, column %d of the expression: %s", bad.Line, bad.Column, bad.Msg)
		case err != nil:
			return nil, r.fail(path, "%s", err)
		}
		if reads := program.Reads(); reads.Signal || reads.Account || reads.Contact || reads.Signals || reads.Time {
			return nil, r.fail(path, "reads something else than record, which is all that there is here")
		}
		if i > 0 {
			object = append(object, ',')
		}
		object = append(strictjson.AppendString(object, field), ':')
		// On a line of its own, so that a comment at the end of the expression does not take the brackets with it.
		object = strictjson.AppendString(object, "{{"+m[field]+"\n}}")
	}
	t, err := expr.CompileTemplate(append(object, '}'), mappingOptions)
	if err != nil {
		return nil, r.fail(at, "%s", err)
	}
	return t, nil
}
