package signalbox

import (
	"encoding/json"
	"fmt"
	"time"
)

// DefinitionKind says what a workspace has defined.
type DefinitionKind string

// The kinds of definitions. Webhooks are definitions too, and have a table of their own.
const (
	DefinedScoring  DefinitionKind = "scoring"     // there is one, whose id is the workspace's
	DefinedICP      DefinitionKind = "icp"         // its code is the ICP's
	DefinedPersona  DefinitionKind = "persona"     // as an ICP
	DefinedAudience DefinitionKind = "audience"    // its code is the audience's name
	DefinedType     DefinitionKind = "signal_type" // how a declared type is taken; its id is the type's, its code the type's name

	DefinedAutomation DefinitionKind = "automation" // or a notification; its code is the text of its id, for names may repeat
)

// Most is how many definitions of a kind a workspace holds (contract section 15).
func (k DefinitionKind) Most() int {
	switch k {
	case DefinedICP:
		return 50
	case DefinedPersona:
		return 100
	case DefinedAudience:
		return 200
	case DefinedType:
		return MaxSignalTypes
	case DefinedAutomation:
		return 500
	}
	return 1
}

// Plural is what several of a kind are called in a sentence.
func (k DefinitionKind) Plural() string {
	switch k {
	case DefinedICP:
		return "ICPs"
	case DefinedType:
		return "signal types"
	}
	return string(k) + "s"
}

// Definition is something that a workspace has defined, as it is stored.
type Definition struct {
	ID        int64
	Workspace WorkspaceID
	Kind      DefinitionKind
	Code      string // what it is called: unique in its workspace and kind
	Body      []byte // JSON of a Scoring, Profile, Audience, TypeSettings or Automation
	Revision  int64  // grows with each change
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Define reads what a workspace has defined into its definitions.
func (d *Definitions) Define(list []Definition) error {
	d.Scoring, d.ICPs, d.Personas, d.Audiences, d.Automations, d.Settings = Scoring{}, nil, nil, nil, nil, map[string]TypeSettings{}
	d.Defined = list
	for i := range list {
		one := &list[i]
		if err := d.define(one); err != nil {
			return fmt.Errorf("%s %q: %w", one.Kind, one.Code, err)
		}
	}
	return nil
}

func (d *Definitions) define(one *Definition) error {
	switch one.Kind {
	case DefinedScoring:
		return json.Unmarshal(one.Body, &d.Scoring)
	case DefinedICP:
		return addProfile(&d.ICPs, one)
	case DefinedPersona:
		return addProfile(&d.Personas, one)
	case DefinedAudience:
		a := Audience{}
		err := json.Unmarshal(one.Body, &a)
		a.ID, a.Name = AudienceID(one.ID), one.Code
		d.Audiences = append(d.Audiences, a)
		return err
	case DefinedType:
		var s TypeSettings
		err := json.Unmarshal(one.Body, &s)
		d.Settings[one.Code] = s
		return err
	case DefinedAutomation:
		a := Automation{}
		err := json.Unmarshal(one.Body, &a)
		a.ID, a.Version = AutomationID(one.ID), one.Revision
		d.Automations = append(d.Automations, a)
		return err
	}
	return nil
}

func addProfile(list *[]Profile, one *Definition) error {
	p := Profile{}
	err := json.Unmarshal(one.Body, &p)
	p.Code, p.Version = one.Code, one.Revision
	*list = append(*list, p)
	return err
}

// Find returns the definition of a kind and id, nil when there is none.
func (d *Definitions) Find(kind DefinitionKind, id int64) *Definition {
	for i := range d.Defined {
		if d.Defined[i].Kind == kind && d.Defined[i].ID == id {
			return &d.Defined[i]
		}
	}
	return nil
}

// Audience returns an audience, nil when there is none of that id.
func (d *Definitions) Audience(id AudienceID) *Audience {
	for i := range d.Audiences {
		if d.Audiences[i].ID == id {
			return &d.Audiences[i]
		}
	}
	return nil
}

// Automation returns an automation or a notification, nil when there is none of that id.
func (d *Definitions) Automation(id AutomationID) *Automation {
	for i := range d.Automations {
		if d.Automations[i].ID == id {
			return &d.Automations[i]
		}
	}
	return nil
}

// Called returns the definition of a kind that has a code, nil when there is none.
func (d *Definitions) Called(kind DefinitionKind, code string) *Definition {
	for i := range d.Defined {
		if d.Defined[i].Kind == kind && d.Defined[i].Code == code {
			return &d.Defined[i]
		}
	}
	return nil
}

// Redefinition is a change of one definition.
type Redefinition struct {
	Put  *Definition // as it is from now on
	Drop *Definition // that is removed; of Put and Drop one is set
	Job  *Job        // work that the change makes; a rescoring takes the place of one that goes on
	Type *SignalType // nil, or the type that Put declares or Drop no longer does, as it is from now on
	Lane *Webhook    // nil, or what the automation that Put is sends through, as it is from now on; it goes with the automation
	Act  string      // what the audit log calls it: "scoring.updated"
	Name string      // how the audit log names it; "": by its code
	Was  Facts       // what the audit log says of it before and after
	Is   Facts
}

// TypeSettings says how signals of a declared type are taken (S3-20 … S3-24).
type TypeSettings struct {
	Label       string    `json:"label"`
	Description string    `json:"source_description,omitempty"`
	SubRules    []SubRule `json:"sub_rules,omitempty"`
	Held        bool      `json:"held,omitempty"`     // autoqualify is off: nobody is qualified by them until somebody asks
	Disabled    bool      `json:"disabled,omitempty"` // the unstuck face refuses them
}

// SubRule is a named bucket of a type's signals (S3-23).
type SubRule struct {
	Name string `json:"name"`
	When string `json:"when"` // an expression that reads the signal alone
}
