package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"signalbox/client"
)

// traceText is the story: a line per signal, with the second of the story at which it happens.
//
//go:embed trace.jsonl
var traceText []byte

// scene is one signal of the story.
type scene struct {
	At     float64         `json:"at"` // seconds after the beginning
	Signal json.RawMessage `json:"signal"`
}

// readTrace reads the story.
func readTrace() ([]scene, error) {
	var scenes []scene
	for text := range bytes.Lines(traceText) {
		var s scene
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, fmt.Errorf("line %d of the story: %w", len(scenes)+1, err)
		}
		scenes = append(scenes, s)
	}
	return scenes, nil
}

// stage plays the story and prints what arrives. One goroutine prints, so that lines never mix.
type stage struct {
	p        *program
	client   *client.Client
	receiver *receiver

	begun       time.Time
	outstanding map[string]time.Time // sent, not yet arrived: when sending began, by signal id
	early       map[string]arrival   // arrived, but sending has not returned yet, or somebody else sent it
	sent        int
	verified    int
	forged      int
}

// sentSignal is a signal that was just taken.
type sentSignal struct {
	id    string
	begun time.Time
}

// play sends the story and prints until it is over and has arrived, or until ctx ends.
func (s *stage) play(ctx context.Context, d demonstration) error {
	scenes, err := readTrace()
	if err != nil {
		return err
	}
	s.begun = time.Now()
	taken := make(chan sentSignal)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx) // a story that cannot go on ends the watching too
	g.Go(func() error {
		if err := s.act(ctx, scenes, d.speed, taken); err != nil {
			return err
		}
		close(taken)
		return nil
	})
	s.watch(ctx, d, taken)
	cancel()
	return g.Wait()
}

// act sends one signal after the other, each at its moment.
func (s *stage) act(ctx context.Context, scenes []scene, speed float64, taken chan<- sentSignal) error {
	for _, next := range scenes {
		wait(ctx, time.Until(s.begun.Add(time.Duration(next.At/speed*float64(time.Second)))))
		if ctx.Err() != nil {
			return nil
		}
		begun := time.Now()
		receipt, err := s.client.SendJSON(ctx, next.Signal, "")
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		select {
		case taken <- sentSignal{receipt.ID, begun}:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// watch prints arrivals until ctx ends or, with --once, until the story has arrived.
func (s *stage) watch(ctx context.Context, d demonstration, taken <-chan sentSignal) {
	var late <-chan time.Time
	for ctx.Err() == nil {
		select {
		case one, more := <-taken:
			if more {
				s.take(ctx, one)
				break
			}
			if taken = nil; d.once {
				late = time.After(demoGrace)
			} else {
				fmt.Fprintln(s.p.stdout, "\n  The story is over; the server goes on until you press Ctrl-C.")
			}
		case a := <-s.receiver.arrivals:
			s.arrive(a, taken == nil)
		case <-late:
			return
		case <-ctx.Done():
		}
		if taken == nil && d.once && len(s.outstanding) == 0 {
			return
		}
	}
}

// take notes a signal that was answered. One signal is sent at a time: what arrived before that is this one, or somebody else's.
func (s *stage) take(ctx context.Context, one sentSignal) {
	s.sent++
	s.outstanding[one.id] = one.begun
	for _, a := range s.early {
		s.show(a)
	}
	clear(s.early)
	if s.sent%25 == 0 {
		if accounts, contacts, err := s.count(ctx); err == nil { // the next count comes soon
			fmt.Fprintf(s.p.stdout, "%s\n", s.p.paint(faint, fmt.Sprintf("        %d signals so far, from %d contacts at %d accounts", s.sent, contacts, accounts)))
		}
	}
}

// arrive shows an arrival, or keeps it until it is known when its signal was sent.
func (s *stage) arrive(a arrival, over bool) {
	if _, known := s.outstanding[a.signal.ID]; known || over || a.err != nil {
		s.show(a)
		return
	}
	s.early[a.signal.ID] = a
}

// show prints one line.
func (s *stage) show(a arrival) {
	at := a.at.Sub(s.begun)
	clock := fmt.Sprintf("%2d:%02d", int(at.Minutes()), int(at.Seconds())%60)
	if a.err != nil {
		s.forged++
		fmt.Fprintf(s.p.stdout, "  %s  %s\n", clock, s.p.paint(red, "refused: "+clean(a.err.Error(), 200)))
		return
	}
	s.verified++
	verdict := s.p.paint(green, "verified")
	if begun, known := s.outstanding[a.signal.ID]; known {
		delete(s.outstanding, a.signal.ID)
		verdict += s.p.paint(faint, " in "+took(a.at.Sub(begun)))
	}
	who, what := subject(&a.signal), pad(clean(a.signal.Type, 24), 24)
	fmt.Fprintf(s.p.stdout, "  %s  %s  %s  %s\n", clock, s.p.paint(cyan, what), pad(who, 34), verdict)
}

// subject names who a signal is about.
func subject(s *arrived) string {
	var parts []string
	if c := s.Contact; c != nil {
		parts = append(parts, clean(either(c.Name, c.Email), 28))
	}
	if a := s.Account; a != nil {
		parts = append(parts, clean(either(a.Name, a.Domain), 28))
	}
	if len(parts) == 0 {
		return "nobody known"
	}
	return strings.Join(parts, ", ")
}

func either(name, other string) string {
	if name != "" {
		return name
	}
	return other
}

// pad fills text to a width in characters.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-len([]rune(text))))
}

// count asks the server how many records there are.
func (s *stage) count(ctx context.Context) (accounts, contacts int, err error) {
	for _, err := range s.client.Accounts(ctx, client.RecordQuery{PageSize: 200}) {
		if err != nil {
			return 0, 0, err
		}
		accounts++
	}
	for _, err := range s.client.Contacts(ctx, client.RecordQuery{PageSize: 200}) {
		if err != nil {
			return 0, 0, err
		}
		contacts++
	}
	return accounts, contacts, nil
}

// curtain says what the demo leaves.
func (s *stage) curtain(ctx context.Context, d demonstration) error {
	ctx, cancel := context.WithTimeout(ctx, goodbye)
	defer cancel()
	accounts, contacts, err := s.count(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.p.stdout, "\n  %d signals sent, %d webhooks verified, %d refused; %d accounts, %d contacts.\n", s.sent, s.verified, s.forged, accounts, contacts)
	if d.once && (len(s.outstanding) > 0 || s.forged > 0) {
		return fmt.Errorf("%d signals did not arrive within %s, %d were refused", len(s.outstanding), demoGrace, s.forged)
	}
	if d.once && s.sent == 0 {
		return errors.New("nothing was sent")
	}
	return nil
}
