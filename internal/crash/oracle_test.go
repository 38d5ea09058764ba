package crash_test

import (
	"signalbox"
)

// oracle reads the database of servers behind their back. It knows the tables and nothing of the program that fills them.
type oracle struct {
	tables
	codec *signalbox.Codec
}

// tables is one of the two databases.
type tables interface {
	// query gives fn every row.
	query(sql string, fn func(row)) error
	// serials reads the serial numbers of those of these signals that are stored.
	serials(ids []int64) (map[int64]int64, error)
	// number is SQL for a number, and truth for a yes or no, among a signal's properties; 0 where there is none.
	number(name string) string
	truth(name string) string
	close() error
}

// row is what a query answers, column by column.
type row interface {
	int(column int) int64
	text(column int) string
	bytes(column int) []byte
}

// newOracle finds out how ids are written.
func newOracle(db tables) (*oracle, error) {
	o := &oracle{tables: db}
	err := o.query("SELECT value FROM settings WHERE name = 'store.codec_key'", func(r row) {
		var key [16]byte
		copy(key[:], r.bytes(0))
		o.codec = signalbox.NewCodec(key)
	})
	if err != nil {
		db.close()
		return nil, err
	}
	return o, nil
}

// missing returns those of the acknowledged signals that are not stored, or stored with another serial number.
func (o *oracle) missing(acks []ack) (lost []ack, err error) {
	ids := make([]int64, len(acks))
	for i, a := range acks {
		ids[i], _ = o.codec.Parse(signalbox.KindSignal, a.ID) // 0, when it is none, is nobody's
	}
	stored, err := o.serials(ids)
	if err != nil {
		return nil, err
	}
	for i, a := range acks {
		if serial, ok := stored[ids[i]]; !ok || serial != a.Serial {
			lost = append(lost, a)
		}
	}
	return lost, nil
}

// snapshot reads all that is reconciled.
func (o *oracle) snapshot(webhooks []string) (*snapshot, error) {
	st := &snapshot{signals: map[string]storedSignal{}, events: map[string]string{}, hooks: len(webhooks)}
	text := func(kind signalbox.Kind, id int64) string { return o.codec.Format(kind, id) }
	err := o.query("SELECT id, "+o.number("serial")+", "+o.truth("keyed")+" FROM signals", func(r row) {
		st.signals[text(signalbox.KindSignal, r.int(0))] = storedSignal{Serial: r.int(1), Keyed: r.int(2) == 1}
	})
	if err != nil {
		return nil, err
	}
	err = o.query("SELECT id, signal_id FROM events WHERE name = 'signal.created'", func(r row) {
		st.events[text(signalbox.KindEvent, r.int(0))] = text(signalbox.KindSignal, r.int(1))
	})
	if err != nil {
		return nil, err
	}
	if st.scores, err = o.scores(); err != nil {
		return nil, err
	}
	if st.members, err = o.members(); err != nil {
		return nil, err
	}
	place := map[string]int{}
	for i, id := range webhooks {
		place[id] = i
	}
	return st, o.query(`
SELECT d.webhook_id, d.event_id, d.state, d.reason, d.attempts,
       (SELECT count(*)
          FROM attempts a
         WHERE a.workspace_id = d.workspace_id
           AND a.delivery_id = d.id
           AND a.manual = 0
           AND a.status_code BETWEEN 200 AND 299),
       d.id,
       (SELECT count(*)
          FROM attempts a
         WHERE a.workspace_id = d.workspace_id
           AND a.delivery_id = d.id
           AND a.manual = 1)
  FROM deliveries d`, func(r row) {
		hook, ok := place[text(signalbox.KindWebhook, r.int(0))]
		if !ok {
			hook = -1
		}
		st.deliveries = append(st.deliveries, storedDelivery{
			ID: r.int(6), Hook: hook, Event: text(signalbox.KindEvent, r.int(1)), State: signalbox.DeliveryState(r.int(2)),
			Reason: r.text(3), Attempts: int(r.int(4)), Successes: int(r.int(5)), ByHand: int(r.int(7)),
		})
	})
}

// count answers the one number of a query.
func (o *oracle) count(sql string) (n int64, err error) {
	err = o.query(sql, func(r row) { n = r.int(0) })
	return n, err
}
