package crash_test

import (
	"net/http"
)

// The audience of a trial's workspace.
const (
	crashAudience = "often crash_3"
	crashOften    = 3 // signals of crash_3 that make an account a member
)

// define has a server score, qualify and keep an audience by more than what is shipped.
func (s *site) define() {
	s.t.Helper()
	s.mustCall(http.StatusOK, http.MethodPut, "/v1/scoring", map[string]any{"rules": []map[string]any{
		{"name": "keyed", "type": "crash_1", "when": "properties.keyed == true", "points": 3},
	}}, nil)
	s.mustCall(http.StatusCreated, http.MethodPost, "/v1/audiences", map[string]any{
		"name": crashAudience, "entity": "account", "condition": `count(signals, "crash_3", "30d") >= 3`,
	}, nil)
}

// storedMember is an account, as the audience has it and as its signals say.
type storedMember struct {
	Record int64
	Often  int64 // its signals of crash_3
	In     bool
}

// members reads who is in the audience, and who should be; nothing when there is none.
func (o *oracle) members() ([]storedMember, error) {
	defined := false
	if err := o.query("SELECT 1 FROM definitions WHERE kind = 'audience'", func(row) { defined = true }); err != nil || !defined {
		return nil, err
	}
	list := map[int64]*storedMember{}
	of := func(record int64) *storedMember {
		if list[record] == nil {
			list[record] = &storedMember{Record: record}
		}
		return list[record]
	}
	err := o.query(`
SELECT s.account_id, count(*)
  FROM signals s
  JOIN signal_types t
    ON t.workspace_id = s.workspace_id
   AND t.id = s.type_id
 WHERE t.name = 'crash_3' AND s.account_id IS NOT NULL
 GROUP BY s.account_id`, func(r row) { of(r.int(0)).Often = r.int(1) })
	if err != nil {
		return nil, err
	}
	if err := o.query("SELECT entity_id FROM audience_members", func(r row) { of(r.int(0)).In = true }); err != nil {
		return nil, err
	}
	all := make([]storedMember, 0, len(list))
	for _, m := range list {
		all = append(all, *m)
	}
	return all, nil
}

// reconcileMembers compares who is in the audience with whom the signals put there.
func reconcileMembers(f *findings, st *snapshot) {
	for _, m := range st.members {
		if m.In != (m.Often >= crashOften) {
			f.add(wrongMember, "record %d has %d such signals, and is in the audience: %t", m.Record, m.Often, m.In)
		}
	}
}
