package signalbox

// Incoming is a door for a tool that can only post its own JSON (contract section 10): how it proves who it is, and how its bodies become signals. Its
// secrets are kept apart.
type Incoming struct {
	Verify  Verification `json:"verify"`
	Mapping Mapping      `json:"mapping"`
}

// Verification says how a body proves who sent it.
type Verification struct {
	Preset Preset `json:"preset"`
	Header string `json:"header,omitempty"` // PresetHeader: the name of the header that holds the secret
	User   string `json:"user,omitempty"`   // PresetBasic: the user's name; the secret is the password
}

// Preset is a way to prove who sent a body.
type Preset string

// The presets. Those that sign a time refuse what is older than five minutes.
const (
	PresetNone     Preset = "none"     // whoever knows the URL
	PresetHeader   Preset = "header"   // a header holds the secret, or "Bearer " and the secret
	PresetBasic    Preset = "basic"    // Basic authentication (RFC 7617)
	PresetStandard Preset = "standard" // Standard Webhooks 1.0.0; signs a time
	PresetGitHub   Preset = "github"   // X-Hub-Signature-256
	PresetStripe   Preset = "stripe"   // Stripe-Signature; signs a time
	PresetSlack    Preset = "slack"    // X-Slack-Signature; signs a time; answers url_verification
	PresetHubSpot  Preset = "hubspot"  // X-HubSpot-Signature-v3; signs a time, the method and the URL
	PresetCalendly Preset = "calendly" // Calendly-Webhook-Signature; signs a time
	PresetShopify  Preset = "shopify"  // X-Shopify-Hmac-Sha256
	PresetStackOne Preset = "stackone" // x-stackone-signature (S4-30, S4-31)
)

// Presets lists all presets.
func Presets() []Preset {
	return []Preset{PresetNone, PresetHeader, PresetBasic, PresetStandard, PresetGitHub, PresetStripe, PresetSlack, PresetHubSpot, PresetCalendly,
		PresetShopify, PresetStackOne}
}

// NeedsSecret says whether a preset proves anything only with a secret.
func (p Preset) NeedsSecret() bool { return p != PresetNone }

// Mapping makes signals of a body. Each field is an expression over body, headers and query, and over item where Each is set; "" is none.
type Mapping struct {
	When string `json:"when,omitempty"` // a condition: a body, or an item, for which it does not hold is ignored on purpose
	Each string `json:"each,omitempty"` // gives a list: each of its elements is a signal, and is read as item

	Type    string         `json:"type"`
	Source  string         `json:"source"`
	Account AccountMapping `json:"account,omitzero"`
	Contact ContactMapping `json:"contact,omitzero"`

	Properties     string `json:"properties,omitempty"` // gives an object; or a JSON template of one
	OccurredAt     string `json:"occurred_at,omitempty"`
	IdempotencyKey string `json:"idempotency_key,omitempty"`
}

// AccountMapping makes what a signal says of a company.
type AccountMapping struct {
	Domain     string `json:"domain,omitempty"`
	Name       string `json:"name,omitempty"`
	Attributes string `json:"attributes,omitempty"` // as Mapping.Properties
}

// ContactMapping makes what a signal says of a person.
type ContactMapping struct {
	Email       string `json:"email,omitempty"`
	FirstName   string `json:"first_name,omitempty"`
	LastName    string `json:"last_name,omitempty"`
	Title       string `json:"title,omitempty"`
	LinkedInURL string `json:"linkedin_url,omitempty"`
	Attributes  string `json:"attributes,omitempty"` // as Mapping.Properties
}
