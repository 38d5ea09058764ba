package inbound

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"

	"signalbox/strictjson"
)

// Unix times come in three units, told apart by their size: nothing that a tool tells of happened before 1973 or after 5138.
const (
	leastUnix  = 1e8  // seconds: March 1973. What is smaller is no time but a slip, such as a year
	leastMilli = 1e11 // milliseconds from here on
	leastMicro = 1e14 // microseconds from here on
	endOfUnix  = 1e17
)

// unixText is a number that stands in a text, such as Slack's "1518664962.000200" and whatever a form sends.
var unixText = regexp.MustCompile(`^[0-9]{9,17}(\.[0-9]{1,9})?$`)

// asMoment makes an RFC 3339 time of a Unix time, a number or a text that is one; another text is judged when the signal is decoded.
func asMoment(value []byte) ([]byte, error) {
	digits := string(value)
	if value[0] == '"' {
		if err := strictjson.Unmarshal(value, &digits); err != nil {
			return nil, err
		}
		if !unixText.MatchString(digits) {
			return value, nil
		}
	} else if c := value[0]; c != '-' && (c < '0' || c > '9') {
		return nil, fmt.Errorf("must give a time, RFC 3339 or Unix, not %s", kindOf(value))
	}
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || n < leastUnix || n >= endOfUnix {
		return nil, errors.New("gives " + shortened(digits) + ", which is no Unix time: seconds, milliseconds or microseconds since 1970, from 1973 on")
	}
	switch {
	case n < leastMilli:
		n *= 1e6
	case n < leastMicro:
		n *= 1e3
	}
	at := time.UnixMicro(int64(math.Round(n))).UTC()
	return strictjson.AppendString(nil, at.Format(time.RFC3339Nano)), nil
}
