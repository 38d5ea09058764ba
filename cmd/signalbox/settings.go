package main

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"signalbox/app"
)

// envPrefix begins the environment variables of this program.
const envPrefix = "SIGNALBOX_"

// source is where a setting's value came from.
type source string

// The sources, strongest first (contract section 15).
const (
	fromFlag    source = "flag"
	fromEnv     source = "environment"
	fromFile    source = "file"
	fromDefault source = "default"
)

// settings are all that serve can be told. Each one is a flag, an environment variable and a key of the file, except secrets:
// those are environment variables only, because command lines and files are read by others.
type settings struct {
	app.Config
	passwords bool
	logLevel  string
	logFormat string

	file    string         // --config
	flags   *pflag.FlagSet // by their names; the values point into this struct
	secrets *pflag.FlagSet // the settings that no command line takes
	sources map[string]source
	lines   map[string]int // the lines of those from the file
}

// newSettings makes the settings with their defaults.
func newSettings() *settings {
	s := &settings{
		flags:   pflag.NewFlagSet("settings", pflag.ContinueOnError),
		secrets: pflag.NewFlagSet("secrets", pflag.ContinueOnError),
		sources: map[string]source{}, lines: map[string]int{},
	}
	f := s.flags
	f.SortFlags = false
	f.StringVar(&s.Addr, "addr", app.DefaultAddr, "address to listen on, host:port")
	f.StringVar(&s.DataDir, "data-dir", app.DefaultDataDir, "directory that holds everything")
	f.StringVar(&s.DatabaseURL, "database-url", "", "PostgreSQL database that nodes share, postgres://…; default the embedded one")
	f.BoolVar(&s.Distributed, "distributed", false, "the database is distributed by workspace: one to a transaction")
	f.StringVar(&s.PublicURL, "public-url", "", "how others reach this server, if not by --addr")
	f.StringVar(&s.TLSCert, "tls-cert", "", "PEM file with the certificate to serve HTTPS with")
	f.StringVar(&s.TLSKey, "tls-key", "", "PEM file with its key")
	f.BoolVar(&s.Dev, "dev", false, "allow webhooks to http and to this machine; never in production")
	f.StringSliceVar(&s.AllowTargets, "allow-target", nil, "CIDR or host[:port] that webhooks may reach although it is private")
	f.IntSliceVar(&s.AllowPorts, "allow-ports", nil, "ports that webhooks may use beside 443 and 8443")
	f.StringVar(&s.TargetCA, "target-ca", "", "PEM file with further CAs to trust in receivers")
	f.StringVar(&s.EgressProxy, "egress-proxy", "", "HTTP proxy through which webhooks are sent")
	f.StringVar(&s.ImportDir, "import-dir", "", "directory below which CSV files of linked accounts may be read; default none")
	f.StringVar(&s.ConnectorsDir, "connectors-dir", "", "directory with definitions of connectors, *.yaml; default the shipped ones alone")
	f.StringVar(&s.SMTPURL, "smtp-url", "", "mail server, smtp://user:password@host:587?from=signalbox@example.com; default none")
	f.IntVar(&s.RetentionEventDays, "retention-event-days", 30, "days to keep events and deliveries, for a new workspace")
	f.IntVar(&s.RetentionSignalDays, "retention-signal-days", 0, "days to keep signals, for a new workspace; 0: for ever")
	f.StringVar(&s.SecretKeyFile, "secret-key-file", "", "file with the key that seals stored secrets")
	f.StringSliceVar(&s.TrustedProxies, "trusted-proxies", nil, "addresses or CIDRs of proxies whose X-Forwarded-For and -Proto are believed")
	f.StringVar(&s.OIDC.Issuer, "oidc-issuer", "", "URL of the identity provider that members sign in with")
	f.StringVar(&s.OIDC.ClientID, "oidc-client-id", "", "how the provider knows this server")
	f.StringVar(&s.OIDC.ClientSecretFile, "oidc-client-secret-file", "", "file with the secret that the provider gave it")
	f.StringVar(&s.OIDC.Label, "oidc-label", "", "what the button says (default the issuer's host)")
	f.StringVar(&s.OIDC.DefaultRole, "oidc-default-role", "", "role of whoever signs in from --oidc-domains and is no member yet")
	f.StringSliceVar(&s.OIDC.Domains, "oidc-domains", nil, "e-mail domains whose people become members by signing in")
	f.BoolVar(&s.passwords, "password-login", true, "let members sign in by password")
	f.DurationVar(&s.DrainGrace, "drain-grace", 10*time.Second, "how long requests under way may take at a stop")
	f.BoolVar(&s.HoldDeliveries, "hold-deliveries", false, "record deliveries but send none")
	f.StringVar(&s.logLevel, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&s.logFormat, "log-format", "text", "text or json")
	f.StringVar(&s.file, "config", "", "YAML file with any of these settings")
	s.secrets.SortFlags = false
	s.secrets.StringVar(&s.SecretKey, "secret-key", "", "the key that seals stored secrets")
	s.secrets.StringSliceVar(&s.OldSecretKeys, "old-secret-keys", nil, "keys that sealed what is stored")
	s.secrets.StringVar(&s.AdminEmail, "admin-email", "", "the first admin's e-mail")
	s.secrets.StringVar(&s.AdminPassword, "admin-password", "", "the first admin's password")
	s.secrets.StringVar(&s.OIDC.ClientSecret, "oidc-client-secret", "", "the secret that the identity provider gave this server")
	s.secrets.StringVar(&s.BootstrapAPIKey, "bootstrap-api-key", "", "an admin API key that exists from the first moment")
	return s
}

// envName is the environment variable of a setting.
func envName(setting string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(setting, "-", "_"))
}

// fill takes what no flag set from the environment, and what that left unset from the file. It returns every problem.
func (s *settings) fill(p *program) []error {
	var problems []error
	s.flags.VisitAll(func(f *pflag.Flag) {
		s.sources[f.Name] = fromDefault
		if f.Changed {
			s.sources[f.Name] = fromFlag
		}
	})
	fromEnvironment := func(f *pflag.Flag) {
		if value := p.env(envName(f.Name)); value != "" && s.sources[f.Name] != fromFlag {
			if err := f.Value.Set(value); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", envName(f.Name), readable(f, value)))
			}
			s.sources[f.Name] = fromEnv
		}
	}
	s.flags.VisitAll(fromEnvironment)
	s.secrets.VisitAll(func(f *pflag.Flag) {
		s.sources[f.Name] = fromDefault
		fromEnvironment(f)
	})
	if s.file != "" {
		problems = append(problems, s.readFile()...)
	}
	s.NoPasswords = !s.passwords
	return problems
}

// readable says what a setting takes, without repeating a secret.
func readable(f *pflag.Flag, value string) error {
	want := map[string]string{
		"bool": "true or false", "int": "a whole number", "intSlice": "whole numbers with commas between",
		"duration": "a time such as 10s or 1m", "stringSlice": "a list with commas between",
	}[f.Value.Type()]
	if want == "" {
		want = f.Value.Type()
	}
	return fmt.Errorf("%q is not %s", clean(value, 80), want)
}

// check returns every problem of the values, wherever they came from.
func (s *settings) check() []error {
	var problems []error
	if err := s.Config.Check(); err != nil {
		problems = append(problems, split(err)...)
	}
	if _, err := level(s.logLevel); err != nil {
		problems = append(problems, err)
	}
	if s.logFormat != "text" && s.logFormat != "json" {
		problems = append(problems, fmt.Errorf("--log-format: %q is neither text nor json", s.logFormat))
	}
	return problems
}

// split takes joined errors apart.
func split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

func level(word string) (slog.Level, error) {
	var l slog.Level
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, word) {
		return l, fmt.Errorf("--log-level: %q is none of debug, info, warn, error", word)
	}
	err := l.UnmarshalText([]byte(word))
	return l, err
}

// logger writes the log that the settings ask for.
func (s *settings) logger(w io.Writer) *slog.Logger {
	l, _ := level(s.logLevel) // checked before
	options := &slog.HandlerOptions{Level: l}
	if s.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// notSettings are variables of other commands and of test builds.
var notSettings = []string{"SIGNALBOX_URL", "SIGNALBOX_API_KEY", "SIGNALBOX_WEBHOOK_SECRET", "SIGNALBOX_FAULTS", "SIGNALBOX_FAULTS_REACHED"}

// strangers lists the variables that look like settings and are none: a typo that would otherwise do nothing in silence.
func (s *settings) strangers(p *program) []string {
	var out []string
	for _, pair := range p.environ {
		name, _, _ := strings.Cut(pair, "=")
		setting := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, envPrefix), "_", "-"))
		known := s.flags.Lookup(setting) != nil || s.secrets.Lookup(setting) != nil || slices.Contains(notSettings, name)
		if strings.HasPrefix(name, envPrefix) && !known {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
