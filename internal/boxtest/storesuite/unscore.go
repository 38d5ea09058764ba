package storesuite

import (
	"bytes"
	"fmt"
	"time"

	"signalbox"
	"signalbox/store"
)

// Scorer is what the suite has for scores: a standing has a byte for each visit that counts, and where it was told, one more.
func Scorer(*signalbox.Definitions) (store.Scorer, error) { return visits{}, nil }

type visits struct{}

// the points of a visit in the suite, and what a rescoring makes of them.
const (
	visitPoints    = signalbox.Points(-1500000)
	rescoredPoints = signalbox.Points(2000000)
)

func (visits) Unscore(kept signalbox.Kept, gone []signalbox.Scored) (signalbox.Kept, bool, error) {
	left, short := len(kept.Standing), false
	for _, g := range gone {
		if g.Type == "visit" && g.Points == visitPoints && !g.At.IsZero() {
			left--
		}
		short = short || kept.Following != nil
	}
	kept.Standing = bytes.Clone(kept.Standing[:max(0, left)])
	return kept, short, nil
}

func (visits) Note(following []byte, signals []signalbox.Signal) ([]byte, error) {
	for _, s := range signals {
		if s.Type != "visit" {
			return nil, fmt.Errorf("a signal of type %q", s.Type)
		}
		following = append(bytes.Clone(following), 'n')
	}
	return following, nil
}

func (visits) Points(*signalbox.Signal) (signalbox.Points, []byte) {
	return rescoredPoints, []byte(`[{"rule":"visit","points":2}]`)
}

func (visits) Rescore(standing []byte, was, is []signalbox.Scored) ([]byte, error) {
	for i := range is {
		if was[i].Points == visitPoints && is[i].Points == rescoredPoints {
			standing = append(bytes.Clone(standing), 'r')
		}
	}
	return standing, nil
}

func (visits) Sum(sums []byte, signals []signalbox.Scored) ([]byte, error) {
	for _, s := range signals {
		if s.Type != "visit" {
			return nil, fmt.Errorf("a signal of type %q", s.Type)
		}
		sums = append(bytes.Clone(sums), 's')
	}
	return sums, nil
}

// Rank has a place for each byte of all standings, looks at those again that have a 'd' in them, and calls two bytes and more of one's own Hot.
func (visits) Rank(kind signalbox.RecordKind, was signalbox.ScoreRank, now time.Time, standings ...[]byte) (rank signalbox.ScoreRank, stage string, err error) {
	for _, s := range standings {
		rank.Key += int64(len(s))
		if bytes.Contains(s, []byte("d")) {
			rank.Due = now.Add(10 * time.Minute)
		}
	}
	if rank.On = rank.Key > 0; len(standings[0]) >= 2 {
		stage = "Hot " + kind.String()
	}
	return rank, stage, nil
}

func (visits) Restand(kept signalbox.Kept, sums []byte, order signalbox.Rescoring) (signalbox.Kept, error) {
	if order.Sums {
		kept.Standing = sums
	}
	if order.Tell {
		kept.Standing = append(bytes.Clone(kept.Standing), 't')
	}
	return kept, nil
}

var unscoreTests = map[string]func(*Box){
	"ErasingTakesSignalsOutOfTheScoresOfOthers": func(b *Box) {
		d := b.everything()
		b.Must(b.turn(signalbox.Need{}, d))
		j, _ := b.RunJob(b.NewJob(signalbox.JobEraseContact, int64(d.Contacts[0].Row.ID)).ID)
		if j.Status != signalbox.JobDone {
			b.Fatalf("the erasure ended as %+v", j)
		}
		b.wantOneLess(d)
	},
	"RetentionTakesSignalsOutOfScores": func(b *Box) {
		d := b.everything()
		b.Must(b.turn(signalbox.Need{}, d))
		b.keep(30, 30)
		b.Now = b.Now.AddDate(0, 0, 31)
		if j, _ := b.RunJob(b.NewJob(signalbox.JobRetention, 0).ID); j.Status != signalbox.JobDone {
			b.Fatalf("retention ended as %+v", j)
		}
		b.wantOneLess(d)
	},
	"WhatWasErasedIsNotTakenOutAgain": func(b *Box) {
		d := b.everything()
		b.Must(b.turn(signalbox.Need{}, d))
		b.RunJob(b.NewJob(signalbox.JobEraseContact, int64(d.Contacts[0].Row.ID)).ID)
		b.keep(30, 30)
		b.Now = b.Now.AddDate(0, 0, 31)
		b.RunJob(b.NewJob(signalbox.JobRetention, 0).ID)
		b.wantOneLess(d)
	},
}

// wantOneLess ends the test unless the account of everything counts one signal less, and is looked at.
func (b *Box) wantOneLess(d *signalbox.Decision) {
	b.Helper()
	acc := d.States[0]
	states, err := b.DB.States(b.Context(), b.WS, []signalbox.EntityID{acc.Entity})
	b.Must(err)
	if got := states[acc.Entity].Standing; !bytes.Equal(got, acc.Standing[:len(acc.Standing)-1]) {
		b.Fatalf("the account's standing is %x, and was %x", got, acc.Standing)
	}
	taken, err := b.DB.TakeDue(b.Context(), b.Lease, b.Now, 10)
	b.Must(err)
	for _, due := range taken {
		if due.Kind == signalbox.DueRecord && due.Subject == int64(acc.Entity) {
			return
		}
	}
	b.Fatalf("the account is not looked at: %+v", taken)
}
