package decide

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"signalbox"
	"signalbox/identity"
	"signalbox/strictjson"
)

// mergeAttributes applies a JSON merge patch (RFC 7396) to a record's attributes: objects are merged, null removes, anything
// else replaces. Both are checked JSON objects or nil, and the patch may be null: that removes them all. changed says whether the
// record is another one now; attributes that come out empty are nil.
func mergeAttributes(have, patch []byte) (merged []byte, changed bool) {
	switch string(patch) {
	case "":
		return have, false
	case "null":
		return nil, have != nil
	}
	if have == nil {
		have = []byte("{}")
	}
	merged = mergeObject(have, patch)
	if string(merged) == "{}" {
		merged = nil
	}
	return merged, !bytes.Equal(merged, have) && (merged != nil || string(have) != "{}")
}

// fits refuses a patch that would make a record's attributes larger than they may be.
func fits(param string, have, patch []byte) error {
	merged, _ := mergeAttributes(have, patch)
	return fitting(param, len(merged))
}

// fitting refuses attributes of a size that they may not have.
func fitting(param string, size int) error {
	if size > signalbox.MaxAttributes {
		return signalbox.InvalidField(param, "the attributes would take %d bytes of JSON, the most is %d; remove some with null", size, signalbox.MaxAttributes)
	}
	return nil
}

// member is one name and value of a JSON object.
type member struct {
	name  string
	value jsontext.Value
}

// mergeObject merges two JSON objects; the order is that of the first, new names follow.
func mergeObject(target, patch []byte) []byte {
	members := membersOf(target)
	for _, p := range membersOf(patch) {
		at := -1
		for i := range members {
			if members[i].name == p.name {
				at = i
			}
		}
		value := p.value
		if value.Kind() == '{' {
			below := []byte("{}")
			if at >= 0 && members[at].value.Kind() == '{' {
				below = members[at].value
			}
			value = mergeObject(below, value)
		}
		switch {
		case value.Kind() == 'n' && at >= 0:
			members = append(members[:at], members[at+1:]...)
		case value.Kind() == 'n':
		case at >= 0:
			members[at].value = value
		default:
			members = append(members, member{p.name, value})
		}
	}
	return objectOf(members)
}

// objectOf writes an object of members.
func objectOf(members []member) []byte {
	out := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			out = append(out, ',')
		}
		out = strictjson.AppendString(out, m.name)
		out = append(out, ':')
		out = append(out, m.value...)
	}
	return append(out, '}')
}

// membersOf lists the members of a JSON object that was checked when it came in.
func membersOf(object []byte) []member {
	var list []member
	d := jsontext.NewDecoder(bytes.NewReader(object), jsontext.AllowDuplicateNames(true))
	if _, err := d.ReadToken(); err != nil {
		panic(err) // unreachable: attributes are checked objects
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			panic(err)
		}
		text := name.String()
		value, err := d.ReadValue()
		if err != nil {
			panic(err)
		}
		list = append(list, member{text, value.Clone()})
	}
	return list
}

// matchOf is the form of a stored e-mail that it is recognised by.
func matchOf(email string) string {
	if email == "" {
		return ""
	}
	_, match, _, err := identity.Email(email)
	if err != nil {
		return ""
	}
	return match
}
