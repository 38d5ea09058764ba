package store

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"signalbox"
)

// HoldDelivery makes of an encoded row of deliveries what it becomes in a copy that is to send nothing by itself: what was still to be sent is
// Skipped (ReasonRestored), and what was to be sent again by hand is what it was before. A test call that was never made has Failed as "cut".
// What is final, and what waits in a feed to be read, stays as it is.
func (t Table) HoldDelivery(row []byte, now time.Time) (held []byte, changed bool, err error) {
	var list []value
	err = t.values(row, func(_ int, k kind, n int64, b []byte) { list = append(list, value{k, n, b}) })
	if err != nil {
		return nil, false, err
	}
	column := func(name string) *value {
		if i := slices.Index(t.Columns, name); i >= 0 {
			return &list[i]
		}
		err = fmt.Errorf("table %s has no column %s", t.Name, name)
		return &value{}
	}
	state, reason, due, done := column("state"), column("reason"), column("due_at"), column("done_at")
	manual, manualReason, manualDue, test := column("manual_state"), column("manual_reason"), column("manual_due_at"), column("test")
	if err != nil {
		return nil, false, err
	}
	if due.kind == 0 || done.kind != 0 {
		return row, false, nil
	}
	was := signalbox.DeliveryState(manual.n)
	switch {
	case test.n != 0:
		*state, *reason = number(int64(signalbox.Failed)), value{kindText, 0, []byte("cut")}
	case manual.kind != 0 && !was.Open():
		*state, *reason = *manual, value{kindText, 0, manualReason.b}
	default:
		*state, *reason = number(int64(signalbox.Skipped)), value{kindText, 0, []byte(signalbox.ReasonRestored)}
	}
	*due, *done = value{}, number(now.UnixMicro())
	*manual, *manualReason, *manualDue = value{}, value{}, value{}
	for _, v := range list {
		held = v.append(held)
	}
	return held, true, nil
}

// value is a value of a decoded row; the zero value is NULL.
type value struct {
	kind kind
	n    int64
	b    []byte
}

func number(n int64) value { return value{kindInt, n, nil} }

func (v value) append(row []byte) []byte {
	row = append(row, byte(v.kind))
	switch v.kind {
	case 0:
		return row
	case kindInt:
		return binary.AppendVarint(row, v.n)
	}
	return append(binary.AppendUvarint(row, uint64(len(v.b))), v.b...)
}
