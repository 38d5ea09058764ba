package wire

import (
	"errors"
	"strconv"
	"time"

	"signalbox"
	"signalbox/strictjson"
)

// BatchItem is one signal of a batch: what it says, or the Err that refuses it alone.
type BatchItem struct {
	In      signalbox.SignalInput
	Ignored []string
	Body    []byte // the item as it was sent, for BodyHash when its key comes from the batch's header
	Err     error
}

// SignalBatch is a batch of signals as its door read it.
type SignalBatch struct {
	Items   []BatchItem
	DryRun  bool     // nothing is to be stored
	Ignored []string // what stands beside the signals and is not known
}

// DecodeBatch reads the body of POST /v1/signals/batch: {"signals":[…]}, at most MaxBatch of them (contract section 3).
//
// An item is held to the rules of [DecodeSignal] and of a body of its own; whatever is wrong with it, also a duplicate key, bad
// UTF-8 or a number that no double can hold, is its own Err and never sinks the others. err refuses the whole: a body that is
// not JSON anywhere in it, so that nobody can tell where an item ends, or that is no such object.
func DecodeBatch(body []byte, now time.Time) (SignalBatch, error) {
	b, err := SplitBatch(body, "signals", MaxBatch)
	if err != nil {
		return SignalBatch{}, err
	}
	out := SignalBatch{Items: make([]BatchItem, len(b.Items))}
	if out.DryRun, out.Ignored, err = b.frame(); err != nil {
		return SignalBatch{}, err
	}
	for i, text := range b.Items {
		out.Items[i] = decodeItem(text, now)
		if err := b.NotJSON(out.Items[i].Err, i); err != nil {
			return SignalBatch{}, err
		}
	}
	return out, nil
}

// Batch is the body of a door that takes many things at once, an object with an array of them, taken apart and not yet read.
type Batch struct {
	Frame []byte   // the body with the array emptied: what stands beside it
	Items [][]byte // each as it was sent: nobody has checked it
	body  []byte
	name  string
}

// SplitBatch takes a body apart: name is the member with the array, of at most most items. The rest of the body is checked to be
// JSON, the items are not: whoever reads one tells NotJSON what was wrong with it.
func SplitBatch(body []byte, name string, most int) (*Batch, error) {
	from, to, ok := findArray(body, name)
	if !ok {
		return nil, noArray(body, name)
	}
	frame := make([]byte, 0, len(body)-(to-from)+2)
	frame = append(append(append(frame, body[:from]...), '[', ']'), body[to:]...)
	stable, err := strictjson.Stable(frame)
	if err != nil {
		return nil, badJSON(err, "")
	}
	items := splitArray(body[from+1:to-1], most)
	if len(items) > most {
		return nil, signalbox.InvalidField(name, "%s holds too many: at most %d in one batch", name, most)
	}
	return &Batch{Frame: stable, Items: items, body: body, name: name}, nil
}

// frame reads what a batch of signals may have beside them.
func (b *Batch) frame() (dry bool, ignored []string, err error) {
	var d decoder
	for m := walk(b.Frame); m.next(); {
		switch string(m.key) {
		case b.name:
		case "dry_run":
			if dry, err = flag(m.value, "dry_run"); err != nil {
				return false, nil, err
			}
		default:
			d.ignore("", m.key)
		}
	}
	return dry, d.ignored, nil
}

// decodeItem reads one item; its Err keeps what strictjson said inside, for notJSON to see.
func decodeItem(text []byte, now time.Time) BatchItem {
	item := BatchItem{Body: text}
	if len(text) > MaxBody {
		if err := strictjson.Check(text); err != nil {
			item.Err = badJSON(err, "")
			return item
		}
		item.Err = signalbox.Errorf(signalbox.TooLarge, "the signal is too large: at most %d bytes", MaxBody)
		return item
	}
	item.In, item.Ignored, item.Err = DecodeSignal(text, now)
	return item
}

// findArray finds the array under a name in a body that nobody has checked: from its bracket to after the closing one. In valid
// JSON it finds it whenever it is there; in anything else what it finds may be wrong, and is checked later.
func findArray(body []byte, name string) (from, to int, ok bool) {
	pos := skipSpace(body, 0)
	if pos == len(body) || body[pos] != '{' {
		return 0, 0, false
	}
	for {
		pos = skipSpace(body, pos+1)
		if pos >= len(body) || body[pos] != '"' {
			return 0, 0, false
		}
		end := skipString(body, pos)
		colon := skipSpace(body, end)
		value := skipSpace(body, colon+1)
		if value >= len(body) {
			return 0, 0, false
		}
		after := skipValue(body, value)
		if isKey(body[pos:end], name) && body[value] == '[' && body[after-1] == ']' {
			return value, after, true
		}
		pos = skipSpace(body, after)
	}
}

// isKey compares a key as written, with its quotes: "sign\u0061ls" is signals too.
func isKey(key []byte, name string) bool {
	if len(key) == len(name)+2 && string(key[1:len(key)-1]) == name {
		return true
	}
	var s string
	return len(key) > len(name)+2 && len(key) <= len(`\u0073`)*len(name)+2 && strictjson.Unmarshal(key, &s) == nil && s == name
}

// noArray says what is wrong with a body in which findArray found nothing.
func noArray(body []byte, name string) error {
	var frame map[string]strictjson.Raw
	if err := strictjson.Unmarshal(body, &frame); err != nil {
		return badJSON(err, "")
	}
	given, ok := frame[name]
	if !ok || absent(given) {
		return signalbox.InvalidField(name, `%s is required: an array of %s, as in {"%s":[…]}`, name, name, name)
	}
	return wrongType(name, "an array", given)
}

// splitArray cuts the inside of an array at its own commas, and gives up once there are more than most.
func splitArray(text []byte, most int) [][]byte {
	var items [][]byte
	pos := skipSpace(text, 0)
	if pos == len(text) {
		return nil
	}
	for {
		end := pos
		for end < len(text) && text[end] != ',' {
			end = max(end+1, skipValue(text, end)) // anything but one value is refused when the item is read
		}
		items = append(items, trimSpace(text[pos:end]))
		if end == len(text) || len(items) > most {
			return items
		}
		pos = skipSpace(text, end+1)
	}
}

func trimSpace(text []byte) []byte {
	for len(text) > 0 && skipSpace(text[len(text)-1:], 0) == 1 {
		text = text[:len(text)-1]
	}
	return text
}

// NotJSON returns the refusal of the whole batch when err, of reading item i, says that it is not JSON at all.
func (b *Batch) NotJSON(err error, i int) error {
	bad := syntaxError(err)
	if bad == nil {
		return nil
	}
	whole := strictjson.Limits{MaxDepth: strictjson.DefaultMaxDepth + 2}.Check(b.body)
	if syntaxError(whole) != nil {
		return badJSON(whole, "") // says where in the body; the scanner may also have met a milder fault first
	}
	return badJSON(bad, b.name+"."+strconv.Itoa(i))
}

func syntaxError(err error) *strictjson.Error {
	var bad *strictjson.Error
	if errors.As(err, &bad) && (bad.Kind == strictjson.Malformed || bad.Kind == strictjson.TrailingData || bad.Kind == strictjson.Empty) {
		return bad
	}
	return nil
}
