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

// DecodeBatch reads the body of POST /v1/signals/batch: {"signals":[…]}, at most MaxBatch of them (contract section 3).
//
// An item is held to the rules of [DecodeSignal] and of a body of its own; whatever is wrong with it, also a duplicate key, bad
// UTF-8 or a number that no double can hold, is its own Err and never sinks the others. err refuses the whole: a body that is
// not JSON anywhere in it, so that nobody can tell where an item ends, or that is no such object. ignored names what stands
// beside "signals".
func DecodeBatch(body []byte, now time.Time) (items []BatchItem, ignored []string, err error) {
	from, to, ok := findSignals(body)
	if !ok {
		return nil, nil, noSignals(body)
	}
	if ignored, err = checkFrame(body, from, to); err != nil {
		return nil, nil, err
	}
	raw := splitArray(body[from+1 : to-1])
	if len(raw) > MaxBatch {
		return nil, nil, signalbox.InvalidField("signals", "signals holds too many: at most %d in one batch", MaxBatch)
	}
	items = make([]BatchItem, len(raw))
	for i, text := range raw {
		items[i] = decodeItem(text, now)
		if err := notJSON(items[i].Err, body, i); err != nil {
			return nil, nil, err
		}
	}
	return items, ignored, nil
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

// findSignals finds the array under "signals" in a body that nobody has checked: from its bracket to after the closing one. In
// valid JSON it finds it whenever it is there; in anything else what it finds may be wrong, and is checked later.
func findSignals(body []byte) (from, to int, ok bool) {
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
		if isSignals(body[pos:end]) && body[value] == '[' && body[after-1] == ']' {
			return value, after, true
		}
		pos = skipSpace(body, after)
	}
}

// isSignals compares a key as written, with its quotes: "sign\u0061ls" is the same key.
func isSignals(key []byte) bool {
	if string(key) == `"signals"` {
		return true
	}
	var s string
	return len(key) > len(`"signals"`) && len(key) <= len(`"\u0073"`)*len("signals") &&
		strictjson.Unmarshal(key, &s) == nil && s == "signals"
}

// noSignals says what is wrong with a body in which findSignals found nothing.
func noSignals(body []byte) error {
	var frame map[string]strictjson.Raw
	if err := strictjson.Unmarshal(body, &frame); err != nil {
		return badJSON(err, "")
	}
	signals, ok := frame["signals"]
	if !ok || absent(signals) {
		return signalbox.InvalidField("signals", `signals is required: an array of signals, as in {"signals":[…]}`)
	}
	return wrongType("signals", "an array", signals)
}

// checkFrame checks all of the body but the items, and names what it does not know.
func checkFrame(body []byte, from, to int) (ignored []string, err error) {
	frame := make([]byte, 0, len(body)-(to-from)+2)
	frame = append(append(append(frame, body[:from]...), '[', ']'), body[to:]...)
	stable, err := strictjson.Stable(frame)
	if err != nil {
		return nil, badJSON(err, "")
	}
	var d decoder
	for m := walk(stable); m.next(); {
		if string(m.key) != "signals" {
			d.ignore("", m.key)
		}
	}
	return d.ignored, nil
}

// splitArray cuts the inside of an array at its own commas.
func splitArray(text []byte) [][]byte {
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
		if end == len(text) || len(items) > MaxBatch {
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

// notJSON returns the refusal of the whole batch when item i is not JSON at all.
func notJSON(err error, body []byte, i int) error {
	bad := syntaxError(err)
	if bad == nil {
		return nil
	}
	whole := strictjson.Limits{MaxDepth: strictjson.DefaultMaxDepth + 2}.Check(body)
	if syntaxError(whole) != nil {
		return badJSON(whole, "") // says where in the body; the scanner may also have met a milder fault first
	}
	return badJSON(bad, "signals."+strconv.Itoa(i))
}

func syntaxError(err error) *strictjson.Error {
	var bad *strictjson.Error
	if errors.As(err, &bad) && (bad.Kind == strictjson.Malformed || bad.Kind == strictjson.TrailingData || bad.Kind == strictjson.Empty) {
		return bad
	}
	return nil
}
