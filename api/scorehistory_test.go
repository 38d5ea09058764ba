package api_test

import (
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"
)

// historyAnswer is the answer of a score's history.
type historyAnswer struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	HalfLife string    `json:"half_life"`
	Stages   []struct {
		Name string `json:"name"`
		Min  int    `json:"min"`
	} `json:"stages"`
	Points []struct {
		At     string  `json:"at"`
		Score  int     `json:"score"`
		Points float64 `json:"points"`
		Stage  string  `json:"stage"`
	} `json:"points"`
	Signals []struct {
		SignalID string    `json:"signal_id"`
		Type     string    `json:"type"`
		Points   float64   `json:"points"`
		At       time.Time `json:"at"`
	} `json:"signals"`
}

func (b *box) history(record, query string) historyAnswer {
	b.Helper()
	var got struct{ Data historyAnswer }
	if err := json.Unmarshal(b.do(http.StatusOK, "GET", record+"/score/history"+query, "").body, &got); err != nil {
		b.Fatal(err)
	}
	return got.Data
}

func daysAgo(n int) string {
	return time.Now().AddDate(0, 0, -n).UTC().Format(time.RFC3339)
}

// A history's points are those that an explanation of the same moment has; it begins before the first signal and ends now.
func TestScoreHistory_IsWhatIsExplainedAtEachMoment(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		var account, contact string
		for _, sent := range []struct {
			typ  string
			days int
		}{{"form_submit", 14}, {"meeting_booked", 40}, {"page_view", 60}, {"deal_created", 3}} {
			got := b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"`+sent.typ+`","source":"s","account":{"domain":"acme.com"},"contact":{"email":"jane@acme.com"},"occurred_at":"`+daysAgo(sent.days)+`"}`)
			account, contact = "/v1/accounts/"+got.text("account_id"), "/v1/contacts/"+got.text("contact_id")
		}
		b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"email_open","source":"s","account":{"domain":"acme.com"}}`)
		for record, signals := range map[string]int{account: 5, contact: 4} {
			h := b.history(record, "")
			if len(h.Points) != 120 || h.Points[0].Score != 0 || h.Points[0].Stage != "Cool" || h.HalfLife != "14d" || len(h.Stages) != 4 || h.Stages[1].Name != "Warm" || h.Stages[1].Min != 40 ||
				h.To.Sub(h.From) < 89*24*time.Hour || time.Since(h.To) > time.Minute {
				b.Errorf("%s: %d points from %s to %s: %+v", record, len(h.Points), h.From, h.To, h)
			}
			if len(h.Signals) != signals || h.Signals[0].Type != "page_view" || h.Signals[0].Points != 2 || h.Signals[1].Type != "meeting_booked" || h.Signals[2].At.Before(h.Signals[1].At) {
				b.Errorf("%s: the signals are %+v", record, h.Signals)
			}
			for _, i := range []int{0, 41, 70, 102, 119} {
				p := h.Points[i]
				explained := b.do(http.StatusOK, "GET", record+"/score?at="+p.At, "")
				points, err := explained.at("data.points").(json.Number).Float64()
				if err != nil || math.Abs(points-p.Points) > 1e-9 || explained.at("data.score").(json.Number).String() != strconv.Itoa(p.Score) || explained.text("data.stage") != p.Stage {
					b.Errorf("%s at %s is %+v, explained %s", record, p.At, p, explained.body)
				}
			}
		}
		ahead := b.history(account, "?from="+url.QueryEscape(time.Now().Add(time.Second).Format(time.RFC3339))+"&to="+time.Now().AddDate(0, 0, 14).UTC().Format(time.RFC3339)+"&points=2")
		if len(ahead.Points) != 2 || math.Abs(ahead.Points[1].Points-ahead.Points[0].Points/2) > 0.01 {
			b.Errorf("in a half-life half is left: %+v", ahead.Points)
		}
	})
}

// What a record took over counts from the beginning, and no more when the merge is undone; a record without signals stands at 0.
func TestScoreHistory_FollowsMerges(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		from := b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"form_submit","source":"s","account":{"domain":"old.com"},"occurred_at":"`+daysAgo(28)+`"}`).text("account_id")
		into := b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"deal_created","source":"s","account":{"domain":"kept.com"},"occurred_at":"`+daysAgo(14)+`"}`).text("account_id")
		query := "?points=2&from=" + daysAgo(60)
		merge := b.do(http.StatusCreated, "POST", "/v1/accounts/"+from+"/merge", `{"into":"`+into+`"}`).text("data.id")
		for _, id := range []string{from, into} {
			if h := b.history("/v1/accounts/"+id, query); len(h.Signals) != 2 || math.Abs(h.Points[1].Points-(18.0/4+20.0/2)) > 0.01 {
				b.Errorf("merged: %+v", h)
			}
		}
		b.do(http.StatusOK, "POST", "/v1/merges/"+merge+"/undo", "")
		if h := b.history("/v1/accounts/"+into, query); len(h.Signals) != 1 || math.Abs(h.Points[1].Points-20.0/2) > 0.01 {
			b.Errorf("undone: %+v", h)
		}
		b.do(http.StatusOK, "POST", "/v1/accounts/batch", `{"accounts":[{"domain":"silent.com"}]}`)
		silent := b.do(http.StatusOK, "GET", "/v1/accounts?q=silent", "").text("data.0.id")
		if h := b.history("/v1/accounts/"+silent, ""); len(h.Points) != 120 || h.Points[119].Score != 0 || h.Signals == nil || len(h.Signals) != 0 {
			b.Errorf("without signals: %+v", h)
		}
	})
}

// Only the 50 signals that were worth most are marked; all of them count.
func TestScoreHistory_MarksTheMostImportant(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		var account string
		for i := range 60 {
			typ := "page_view"
			if i%20 == 0 {
				typ = "meeting_booked"
			}
			account = b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"`+typ+`","source":"s","account":{"domain":"acme.com"},"occurred_at":"`+daysAgo(i+1)+`"}`).text("account_id")
		}
		h := b.history("/v1/accounts/"+account, "")
		meetings := 0
		for _, s := range h.Signals {
			if s.Type == "meeting_booked" {
				meetings++
			}
		}
		if len(h.Signals) != 50 || meetings != 3 || !h.Signals[0].At.Before(h.Signals[49].At) {
			b.Errorf("%d marks, %d of them meetings: %+v", len(h.Signals), meetings, h.Signals)
		}
	})
}

func TestScoreHistory_RefusesWhatItCannotShow(t *testing.T) {
	t.Parallel()
	onBoth(t, func(b *box) {
		account := "/v1/accounts/" + b.do(http.StatusCreated, "POST", "/v1/signals", `{"type":"t","source":"s","account":{"domain":"acme.com"}}`).text("account_id")
		later := func(years, days int) string { return time.Now().AddDate(years, 0, days).UTC().Format(time.RFC3339) }
		for name, c := range map[string]struct{ query, param string }{
			"no time":              {"?from=yesterday", "from"},
			"backwards":            {"?from=" + daysAgo(2) + "&to=" + daysAgo(3), "from"},
			"no length":            {"?from=" + daysAgo(2) + "&to=" + daysAgo(2), "from"},
			"only from, to come":   {"?from=" + later(0, 1), "from"},
			"more than five years": {"?from=" + later(-5, -1), "from"},
			"far ahead":            {"?to=" + later(1, 1), "to"},
			"before computers":     {"?to=1969-12-31T23:59:59Z", "from"},
			"one point":            {"?points=1", "points"},
			"too many points":      {"?points=501", "points"},
			"no number":            {"?points=some", "points"},
			"unknown":              {"?at=" + daysAgo(1), "at"},
		} {
			b.Logf("%s", name)
			b.send(b.admin, "GET", account+"/score/history"+c.query, "").refuses(http.StatusBadRequest, "validation_error", c.param, "")
		}
		if h := b.history(account, "?points=500&from="+later(-4, 0)+"&to="+later(0, 364)); len(h.Points) != 500 {
			b.Errorf("%d points of five years", len(h.Points))
		}
		if h := b.history(account, "?points=500&from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00.003Z"); len(h.Points) != 4 {
			b.Errorf("of three milliseconds there are %d points", len(h.Points))
		}
		b.send(b.admin, "GET", "/v1/accounts/acc_x/score/history", "").refuses(http.StatusNotFound, "account_not_found", "", "")
		b.send(b.admin, "GET", "/v1/contacts/con_x/score/history", "").refuses(http.StatusNotFound, "contact_not_found", "", "")
	})
}
