package api

import (
	"errors"
	"strings"
	"time"

	"signalbox"
	"signalbox/poll"
	"signalbox/poll/connector"
	"signalbox/strictjson"
)

// newStream is the body of POST /v1/linked-accounts/{id}/streams.
type newStream struct {
	API                   *string        `json:"api" maxlen:"32" doc:"The kind of product, with which the events' names begin: hris, ats, or another lower-case word. Required, unless the connector's definition says it."`
	RecordType            *string        `json:"record_type" required:"true" maxlen:"64" doc:"The kind of record: employees, employments, interviews, applications, candidates, job_postings, or another lower-case name."`
	Interval              *string        `json:"interval" doc:"How often it is fetched: a whole number with s, m, h or d, from 1m to 24h. 1h unless given."`
	Deletion              *deletionForm  `json:"deletion" doc:"When a record that is missing is deleted."`
	EmitCreatedOnBaseline *bool          `json:"emit_created_on_baseline" doc:"The first complete run tells of every record as created: false unless given."`
	EmitSignals           *bool          `json:"emit_signals" doc:"What is told becomes signals too: false unless given."`
	Paused                *bool          `json:"paused" doc:"Nothing is fetched: false unless given."`
	Connector             strictjson.Raw `json:"connector" required:"true" type:"object" doc:"How its records are fetched: {type: http_json or csv, url or file, auth, pagination, records, id, …}, or {definition, settings, auth}. docs/connectors.md names every key."`
}

// deletionForm says when a record that is missing is deleted.
type deletionForm struct {
	Confirmations *int `json:"confirmations" min:"1" max:"10" doc:"In how many complete runs in a row it must be missing: 2 unless given."`
}

// streamPatch is the body of PATCH /v1/linked-accounts/{id}/streams/{stream}.
type streamPatch struct {
	API                   *string        `json:"api" maxlen:"32" doc:"Fixed: only the value that it has is taken."`
	RecordType            *string        `json:"record_type" maxlen:"64" doc:"Fixed: only the value that it has is taken."`
	Interval              *string        `json:"interval" doc:"From 1m to 24h; null: 1h."`
	Deletion              *deletionForm  `json:"deletion"`
	EmitCreatedOnBaseline *bool          `json:"emit_created_on_baseline"`
	EmitSignals           *bool          `json:"emit_signals"`
	Paused                *bool          `json:"paused"`
	Connector             strictjson.Raw `json:"connector" type:"object" doc:"Replaced whole. Its credentials may be left out as long as it signs in in the same way and asks the same hosts."`
	Revision              *int64         `json:"revision" doc:"The revision that the change was made from: 409 when it is another one by now. Absent: whatever it is."`
}

// buildStream checks what was asked for and makes the stream.
func (a *API) buildStream(c *call, of signalbox.LinkedAccountID, in *newStream) (signalbox.Stream, error) {
	s := signalbox.Stream{
		ID: signalbox.StreamID(a.cfg.IDs.Next(c.now)), Workspace: c.ws(), Linked: of, API: strings.TrimSpace(value(in.API)), RecordType: strings.TrimSpace(value(in.RecordType)),
		Version: 1, NextAt: c.now, CreatedAt: c.now, UpdatedAt: c.now,
	}
	setting, err := readStreamSettings(in.Interval, in.Deletion)
	if err != nil {
		return s, err
	}
	setting(&s)
	set(&s.EmitCreatedOnBaseline, in.EmitCreatedOnBaseline)
	set(&s.EmitSignals, in.EmitSignals)
	set(&s.Paused, in.Paused)
	if s.RecordType == "" {
		return s, signalbox.InvalidField("record_type", "record_type is required: the kind of record, such as employees")
	}
	if len(in.Connector) == 0 || string(in.Connector) == "null" {
		return s, signalbox.InvalidField("connector", `connector is required: how the records are fetched, such as {"type": "http_json", "url": "https://api.example.com/people", "records": "data", "id": "id"}`)
	}
	setup, secrets, err := a.readConnector(c, in.Connector, s.RecordType)
	if err != nil {
		return s, err
	}
	if s.API, err = setup.CheckAPI(s.API, s.RecordType, a.cfg.Connectors); err != nil {
		return s, err
	}
	if err := s.Check(); err != nil {
		return s, err
	}
	if err := connectorError(setup.CheckSecrets(secrets)); err != nil {
		return s, err
	}
	s.Key = poll.NewKey(a.cfg.Box, s.Workspace, s.ID)
	return s, a.setConnector(&s, setup, secrets)
}

// readStreamSettings reads what has a form of its own.
func readStreamSettings(interval *string, deletion *deletionForm) (func(*signalbox.Stream), error) {
	var every connector.Duration
	if text := value(interval); text != "" {
		if err := every.UnmarshalText([]byte(text)); err != nil {
			return nil, signalbox.InvalidField("interval", "interval: %s", err)
		}
		if every == 0 { // which in a stream means the default
			return nil, signalbox.InvalidField("interval", "interval must be between 1m and 24h")
		}
	}
	confirmations := 0
	if deletion != nil && deletion.Confirmations != nil {
		if confirmations = *deletion.Confirmations; confirmations < 1 {
			return nil, signalbox.InvalidField("deletion.confirmations", "deletion.confirmations must be between 1 and %d", signalbox.MaxConfirmations)
		}
	}
	return func(s *signalbox.Stream) {
		if interval != nil {
			s.Interval = time.Duration(every)
		}
		if confirmations > 0 {
			s.Confirmations = confirmations
		}
	}, nil
}

// buildStreamPatch checks a patch as far as that takes the network, and returns the change to make to the stream as it then stands.
func (a *API) buildStreamPatch(c *call, old *signalbox.Stream, in *streamPatch) (func(*signalbox.Stream) error, error) {
	switch {
	case in.API != nil && *in.API != old.API:
		return nil, signalbox.InvalidField("api", "api was fixed when the stream was made: make another stream")
	case in.RecordType != nil && *in.RecordType != old.RecordType:
		return nil, signalbox.InvalidField("record_type", "record_type was fixed when the stream was made: make another stream")
	}
	setting, err := readStreamSettings(in.Interval, in.Deletion)
	if err != nil {
		return nil, err
	}
	connect := func(*signalbox.Stream) error { return nil }
	if len(in.Connector) > 0 {
		if connect, err = a.buildConnectorPatch(c, old, in.Connector); err != nil {
			return nil, err
		}
	}
	return func(s *signalbox.Stream) error {
		if err := stale("stream", in.Revision, s.Version); err != nil {
			return err
		}
		setting(s)
		set(&s.EmitCreatedOnBaseline, in.EmitCreatedOnBaseline)
		set(&s.EmitSignals, in.EmitSignals)
		set(&s.Paused, in.Paused)
		if in.Interval != nil {
			sooner(s, c.now.Add(s.Period())) // a longer one holds from the next run on
		}
		if err := connect(s); err != nil {
			return err
		}
		return s.Check()
	}, nil
}

// buildConnectorPatch is the part of a patch that replaces the connector. Whether the credentials may stay is judged by those that there are when it is saved.
func (a *API) buildConnectorPatch(c *call, old *signalbox.Stream, given strictjson.Raw) (func(*signalbox.Stream) error, error) {
	if string(given) == "null" {
		return nil, signalbox.InvalidField("connector", "connector cannot be removed: delete the stream, or pause it")
	}
	setup, secrets, err := a.readConnector(c, given, old.RecordType)
	if err != nil {
		return nil, err
	}
	if _, err := setup.CheckAPI(old.API, old.RecordType, a.cfg.Connectors); err != nil {
		return nil, err
	}
	return func(s *signalbox.Stream) error {
		before, err := connector.ParseSetup(s.Connector)
		if err != nil {
			return err
		}
		sooner(s, c.now) // whoever changes it wants to see what comes of it
		kept := s.Secrets
		if len(secrets) > 0 || len(kept) == 0 || !setup.KeepsSecrets(before) {
			if err := connectorError(setup.CheckSecrets(secrets)); err != nil {
				return err
			}
			return a.setConnector(s, setup, secrets)
		}
		if err := a.setConnector(s, setup, nil); err != nil {
			return err
		}
		s.Secrets = kept
		return nil
	}, nil
}

// readConnector reads a connector and judges where it leads: addresses by the guard, a file by whether it is there.
func (a *API) readConnector(c *call, given strictjson.Raw, recordType string) (connector.Setup, connector.Secrets, error) {
	setup, secrets, err := connector.ReadSetup(given, recordType, a.cfg.Connectors)
	if err != nil {
		return setup, nil, connectorError(err)
	}
	if name := setup.Config.File; name != "" {
		return setup, secrets, connectorError(connector.CheckFile(a.cfg.ImportDir, name))
	}
	for _, at := range setup.Addresses() {
		err := a.cfg.Targets.CheckTarget(c.r.Context(), at.URL)
		if err != nil && c.r.Context().Err() != nil {
			return setup, nil, err
		}
		if err != nil {
			return setup, nil, connectorError(paramError(at.Param, err))
		}
	}
	return setup, secrets, nil
}

// setConnector gives a stream its connector, with secrets sealed.
func (a *API) setConnector(s *signalbox.Stream, setup connector.Setup, secrets connector.Secrets) (err error) {
	if s.Connector, err = setup.Stored(); err != nil {
		return err
	}
	s.Fingerprint = setup.Fingerprint()
	s.Secrets, err = poll.SealSecrets(a.cfg.Box, s.Workspace, s.ID, secrets)
	return err
}

// connectorError puts the field before what package connector, or the guard, says of it.
func connectorError(err error) error {
	var e *signalbox.Error
	if !errors.As(err, &e) || !strings.HasPrefix(e.Param, "connector") || strings.HasPrefix(e.Msg, e.Param) {
		return err
	}
	shown := *e
	shown.Msg = e.Param + ": " + e.Msg
	return &shown
}
