package automate

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"signalbox"
	"signalbox/expr"
	"signalbox/strictjson"
)

// The bounds of messages.
const (
	MaxSubject = 200 // characters of an email's subject; a longer one is cut
	MaxBlocks  = 50  // of a message, which is what Slack takes
)

// action is an action that was compiled.
type action struct {
	*signalbox.Action
	origin     string // of a webhook: scheme and host
	url        *expr.Line
	body       *expr.Template
	text       *expr.Line // nil, of a notification: what it says
	subject    *expr.Line
	blocks     *expr.Template
	attributes []attribute
	status     *expr.Line
	name       *expr.Line
	properties *expr.Template
}

// attribute is one member of what an update sets.
type attribute struct {
	key     string
	value   *expr.Template
	removes bool // the value is null as it stands
}

// actionFields are the fields that each action may have.
var actionFields = map[signalbox.ActionType][]string{
	signalbox.ActWebhook: {"url", "method", "headers", "body"},
	signalbox.ActSlack:   {"webhook_url", "text", "blocks"},
	signalbox.ActEmail:   {"to", "subject", "text"},
	signalbox.ActUpdate:  {"entity", "attributes", "status", "name"},
	signalbox.ActSignal:  {"type", "properties"},
	signalbox.ActNotify:  {"webhook_id"},
}

// set lists the fields of an action that are set.
func set(x *signalbox.Action) []string {
	var list []string
	for _, one := range []struct {
		name string
		set  bool
	}{
		{"url", x.URL != ""}, {"method", x.Method != ""}, {"headers", len(x.Headers) > 0}, {"body", len(x.Body) > 0}, {"webhook_url", x.WebhookURL != ""},
		{"text", x.Text != ""}, {"blocks", len(x.Blocks) > 0}, {"to", x.To != ""}, {"subject", x.Subject != ""}, {"entity", x.Entity != 0},
		{"attributes", len(x.Attributes) > 0}, {"status", x.Status != ""}, {"name", x.Name != ""}, {"type", x.SignalType != ""},
		{"properties", len(x.Properties) > 0}, {"webhook_id", x.Webhook != 0},
	} {
		if one.set {
			list = append(list, one.name)
		}
	}
	return list
}

// readyAction checks an action and compiles its templates. typeParam is how refusals name its type, at what stands before the names of its fields.
func readyAction(x *signalbox.Action, typeParam, at string) (*action, error) {
	fields := actionFields[x.Type]
	if fields == nil || x.Type == signalbox.ActNotify {
		known := []string{"webhook", "slack", "email", "update", "signal"}
		return nil, signalbox.InvalidField(typeParam, "%s: unknown action %q; it must be one of %s%s", typeParam, clip(string(x.Type)), strings.Join(known, ", "), near(string(x.Type), known...))
	}
	for _, name := range set(x) {
		if !slices.Contains(fields, name) {
			return nil, signalbox.InvalidField(at+name, "%s%s: an action of the type %s has no %s; it has %s", at, name, x.Type, name, strings.Join(fields, ", "))
		}
	}
	c := &action{Action: x}
	switch x.Type {
	case signalbox.ActWebhook:
		return c, c.readyWebhook(at)
	case signalbox.ActSlack:
		return c, c.readySlack(at)
	case signalbox.ActEmail:
		return c, c.readyEmail(at)
	case signalbox.ActUpdate:
		return c, c.readyUpdate(at)
	}
	return c, c.readySignal(at)
}

func (c *action) readyWebhook(at string) (err error) {
	if c.url, c.origin, err = readyURL(c.URL, at+"url"); err != nil {
		return err
	}
	if !slices.Contains([]string{"", "POST", "PUT", "PATCH"}, c.Method) {
		return signalbox.InvalidField(at+"method", "%smethod must be POST, PUT or PATCH", at)
	}
	if len(c.Body) > 0 {
		c.body, err = template(c.Body, at+"body")
	}
	return err
}

func (c *action) readySlack(at string) (err error) {
	if c.text, err = line(c.Text, at+"text"); err != nil {
		return err
	}
	if len(c.Blocks) == 0 {
		return nil
	}
	var blocks []map[string]strictjson.Raw
	if err := strictjson.Unmarshal(c.Blocks, &blocks); err != nil || len(blocks) == 0 || len(blocks) > MaxBlocks {
		return signalbox.InvalidField(at+"blocks", "%sblocks must be a list of 1 to %d blocks, each an object with a type", at, MaxBlocks)
	}
	c.blocks, err = template(c.Blocks, at+"blocks")
	return err
}

func (c *action) readyEmail(at string) (err error) {
	if err = checkTo(c.To, at+"to"); err != nil {
		return err
	}
	if strings.ContainsFunc(c.Subject, control) {
		return signalbox.InvalidField(at+"subject", "%ssubject must not hold a line end or another control character", at)
	}
	if c.subject, err = line(c.Subject, at+"subject"); err != nil {
		return err
	}
	c.text, err = line(c.Text, at+"text")
	return err
}

func (c *action) readyUpdate(at string) (err error) {
	if err := checkKind(at+"entity", c.Entity); err != nil {
		return err
	}
	for name, text := range map[string]string{"status": c.Status, "name": c.Name} {
		if text != "" && c.Entity == signalbox.ContactRecord {
			return signalbox.InvalidField(at+name, "%s%s: a contact has none that could be set; set its attributes", at, name)
		}
	}
	if len(c.Attributes) == 0 && c.Status == "" && c.Name == "" {
		return signalbox.InvalidField(at+"attributes", "%sattributes is required, or the status or the name of an account: there is nothing to update", at)
	}
	if len(c.Attributes) > 0 {
		if err := c.readyAttributes(at + "attributes"); err != nil {
			return err
		}
	}
	if c.Status != "" {
		if c.status, err = line(c.Status, at+"status"); err != nil {
			return err
		}
	}
	if c.Name != "" {
		c.name, err = line(c.Name, at+"name")
	}
	return err
}

// readyAttributes compiles each member by itself, so that one can be left out.
func (c *action) readyAttributes(param string) error {
	keys, values, ok := membersOf(c.Attributes)
	if !ok || len(keys) == 0 {
		return signalbox.InvalidField(param, "%s must be a JSON object of at least one attribute", param)
	}
	for i, key := range keys {
		value, err := template(values[i], param+"."+key)
		if err != nil {
			return err
		}
		c.attributes = append(c.attributes, attribute{key, value, string(values[i]) == "null"})
	}
	return nil
}

// membersOf takes an object apart, in its own order.
func membersOf(raw []byte) (keys []string, values []json.RawMessage, ok bool) {
	if strictjson.Check(raw) != nil {
		return nil, nil, false
	}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil, nil, false
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, nil, false
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, nil, false
		}
		keys, values = append(keys, key.(string)), append(values, value)
	}
	return keys, values, true
}

func (c *action) readySignal(at string) (err error) {
	if err := checkWord(at+"type", c.SignalType); err != nil {
		return err
	}
	if strings.Contains(c.SignalType, "{{") {
		return signalbox.InvalidField(at+"type", "%stype holds no expression: which automations a signal starts is not said by what comes in", at)
	}
	if len(c.Properties) == 0 {
		return nil
	}
	if _, _, ok := membersOf(c.Properties); !ok {
		return signalbox.InvalidField(at+"properties", "%sproperties must be a JSON object", at)
	}
	c.properties, err = template(c.Properties, at+"properties")
	return err
}

// line compiles a text that must be there.
func line(source, param string) (*expr.Line, error) {
	if strings.TrimSpace(source) == "" {
		return nil, signalbox.InvalidField(param, "%s is required", param)
	}
	l, err := expr.CompileLine(source, expr.Options{})
	if err != nil {
		return nil, badExpression(param, err)
	}
	return l, nil
}

func template(raw []byte, param string) (*expr.Template, error) {
	t, err := expr.CompileTemplate(raw, expr.Options{})
	if err != nil {
		return nil, badExpression(param, err)
	}
	return t, nil
}

// targets is about where the actions of an automation send to. at says how refusals name what belongs to one.
func (o Options) targets(e *entry, at func(int) string) error {
	for i, c := range e.actions {
		switch c.Type {
		case signalbox.ActSlack:
			if err := o.checkSlack(c.WebhookURL, at(i)+"webhook_url"); err != nil {
				return err
			}
		case signalbox.ActWebhook:
			if err := o.checkHeaders(c.Headers, at(i)+"headers"); err != nil {
				return err
			}
		case signalbox.ActNotify:
			if err := o.checkReceiver(c.Webhook, at(i)+"webhook_id"); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o Options) checkHeaders(list []signalbox.Header, param string) error {
	names := map[string]string{}
	for _, h := range list {
		if _, twice := names[h.Name]; twice {
			return signalbox.InvalidField(param, "%s: %q is given twice", param, clip(h.Name))
		}
		if strings.EqualFold(h.Name, keyHeader) || o.CheckHeaders == nil {
			return signalbox.InvalidField(param, "%s: %q cannot be set: the request has its own, or none", param, clip(h.Name))
		}
		names[h.Name] = ""
	}
	if len(names) == 0 {
		return nil
	}
	if err := o.CheckHeaders(names); err != nil {
		return signalbox.InvalidField(param, "%s: %s", param, err)
	}
	return nil
}

// keyHeader carries a webhook action's idempotency key.
const keyHeader = "Idempotency-Key"

// checkReceiver is about the webhook that a notification goes to (S2-16, S2-17).
func (o Options) checkReceiver(id signalbox.WebhookID, param string) error {
	if o.Definitions == nil {
		return nil
	}
	for i := range o.Definitions.Webhooks {
		w := &o.Definitions.Webhooks[i]
		if w.ID != id {
			continue
		}
		if w.Format != signalbox.FormatStaircase {
			return signalbox.InvalidField(param, "%s: this webhook has the format %s; notifications go to webhooks of the format %s", param, w.Format, signalbox.FormatStaircase)
		}
		return nil
	}
	return signalbox.InvalidField(param, "%s: there is no such webhook", param)
}

// render makes an action ready to be done.
func (c *action) render(r *signalbox.Rendered, run *signalbox.Run, f *expr.Facts, w With) error {
	switch c.Type {
	case signalbox.ActWebhook:
		return c.renderWebhook(r, f, w)
	case signalbox.ActSlack:
		return c.renderSlack(r, run.Notice, f, w)
	case signalbox.ActEmail:
		return c.renderEmail(r, run.Notice, f, w)
	case signalbox.ActUpdate:
		return c.renderUpdate(r, run, f, w)
	case signalbox.ActSignal:
		return c.renderSignal(r, f, w)
	}
	r.Webhook = c.Webhook
	return nil
}

func (c *action) renderWebhook(r *signalbox.Rendered, f *expr.Facts, w With) (err error) {
	if r.URL, err = address(c.url, f, w.Budget); err != nil {
		return err
	}
	if r.Method = c.Method; r.Method == "" {
		r.Method = "POST"
	}
	r.Headers = c.Headers
	if c.body == nil {
		r.Body = w.Body()
		return nil
	}
	r.Body, err = c.body.Render(f, w.Budget)
	return err
}

func (c *action) renderSlack(r *signalbox.Rendered, n *signalbox.Said, f *expr.Facts, w With) error {
	r.URL, r.Method = c.WebhookURL, "POST"
	var text string
	if c.text == nil {
		text = slackNotice(n, w.URL)
	} else {
		var err error
		if text, err = c.text.Render(f, w.Budget, func(dst []byte, value string) ([]byte, error) { return append(dst, escapeSlack(value)...), nil }); err != nil {
			return err
		}
	}
	r.Body = strictjson.AppendString([]byte(`{"text":`), text)
	if c.blocks != nil {
		blocks, err := c.blocks.RenderWith(f, w.Budget, escapeBlocks)
		if err != nil {
			return err
		}
		r.Body = append(append(r.Body, `,"blocks":`...), blocks...)
	}
	r.Body = append(r.Body, '}')
	return nil
}

// slackEscapes are what Slack wants of text: without them a value could mention people, or <!channel>.
var slackEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func escapeSlack(text string) string { return slackEscapes.Replace(text) }

// escapeBlocks escapes a value of a Block Kit text. An address is no text: in it & stands for itself, and nobody is mentioned. The JSON of a value has none of the
// escaped characters but in its texts.
func escapeBlocks(path string, value []byte) []byte {
	if path = strings.TrimRight(path, "[]0123456789"); strings.HasSuffix(path, "url") {
		return value
	}
	return []byte(escapeSlack(string(value)))
}

func (c *action) renderEmail(r *signalbox.Rendered, n *signalbox.Said, f *expr.Facts, w With) (err error) {
	r.To = c.To
	if c.text == nil {
		r.Subject, r.Text = headline(n.Title), n.Description+"\n"
		if w.URL != "" {
			r.Text += "\n" + w.URL + "\n"
		}
		return nil
	}
	if r.Subject, err = c.subject.Render(f, w.Budget, nil); err != nil {
		return err
	}
	if r.Subject = headline(r.Subject); r.Subject == "" {
		return errNoSubject
	}
	r.Text, err = c.text.Render(f, w.Budget, nil)
	return err
}

func control(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 }

// headline makes one line of a text: a value cannot add a header to a message.
func headline(text string) string {
	text = strings.TrimSpace(strings.Join(strings.FieldsFunc(text, control), " "))
	if utf8.RuneCountInString(text) <= MaxSubject {
		return text
	}
	return string([]rune(text)[:MaxSubject-1]) + "…"
}

func (c *action) renderUpdate(r *signalbox.Rendered, run *signalbox.Run, f *expr.Facts, w With) (err error) {
	if r.Entity = c.Entity; c.Entity == signalbox.AccountRecord && run.Account == 0 || c.Entity == signalbox.ContactRecord && run.Contact == 0 {
		return errNobody
	}
	if r.Attributes, err = c.renderAttributes(f, w); err != nil {
		return err
	}
	if r.Status, err = word(c.status, f, w); err != nil {
		return err
	}
	if r.Name, err = word(c.name, f, w); err != nil {
		return err
	}
	if len(r.Attributes) == 0 && r.Status == "" && r.Name == "" {
		return errNothing
	}
	return nil
}

// renderAttributes leaves out an attribute whose expression gives nothing: null would remove what is known.
func (c *action) renderAttributes(f *expr.Facts, w With) ([]byte, error) {
	dst := []byte{'{'}
	for _, one := range c.attributes {
		value, err := one.value.Render(f, w.Budget)
		if err != nil {
			return nil, err
		}
		if string(value) == "null" && !one.removes {
			continue
		}
		if len(dst) > 1 {
			dst = append(dst, ',')
		}
		dst = append(append(strictjson.AppendString(dst, one.key), ':'), value...)
	}
	switch {
	case len(dst) == 1:
		return nil, nil
	case len(dst) > signalbox.MaxAttributes:
		return nil, errAttributes
	}
	return append(dst, '}'), nil
}

// word renders a short text that may be missing.
func word(l *expr.Line, f *expr.Facts, w With) (string, error) {
	if l == nil {
		return "", nil
	}
	text, err := l.Render(f, w.Budget, nil)
	if text = strings.TrimSpace(text); err == nil && utf8.RuneCountInString(text) > signalbox.MaxName {
		return "", errLongWord
	}
	return text, err
}

func (c *action) renderSignal(r *signalbox.Rendered, f *expr.Facts, w With) (err error) {
	if r.SignalType = c.SignalType; c.properties != nil {
		r.Properties, err = c.properties.Render(f, w.Budget)
	}
	return err
}

// key is an action's idempotency key: the run's id and the step.
func key(run string, step int) string {
	if run == "" {
		return ""
	}
	return run + "/" + strconv.Itoa(step)
}
