package app

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"signalbox/internal/fault"
	"signalbox/mail"
	"signalbox/poll/connector"
	"signalbox/seal"
	"signalbox/store"
)

// Config is everything that can be set (contract section 15). The zero value of a field means its default.
type Config struct {
	Addr    string // default 127.0.0.1:8080
	DataDir string // default ./signalbox-data
	// DatabaseURL is a PostgreSQL database, postgres://…, that any number of nodes share; default the embedded one in DataDir. Of DataDir a
	// node then needs only the file that makes it the same node after a restart.
	DatabaseURL string
	PublicURL   string // how others reach this server; default from Addr
	TLSCert     string // PEM files; both or neither
	TLSKey      string

	Dev           bool     // http and loopback targets are allowed
	AllowTargets  []string // CIDR or host[:port] that may be reached although the guard would refuse it
	AllowPorts    []int    // beside 443 and 8443
	TargetCA      string   // PEM file of further roots for targets
	EgressProxy   string   // http proxy that all targets are reached through
	ImportDir     string   // below which the CSV files of linked accounts lie; "": none may be read
	ConnectorsDir string   // definitions of connectors beside the shipped ones; "": there are none
	SMTPURL       string   // mail server, as mail.New reads it; "": nothing is mailed

	RetentionEventDays  int // of a workspace made at first start; default 30
	RetentionSignalDays int // 0: for ever

	SecretKey       string // 32 bytes as 64 hex characters or base64; default: a file in the data directory, and none with DatabaseURL
	SecretKeyFile   string
	OldSecretKeys   []string // still accepted for what they sealed
	BootstrapAPIKey string   // an admin key that exists from the first moment
	AdminEmail      string   // of the first admin; default admin@localhost
	AdminPassword   string   // of the first admin; default one that the first start tells
	OIDC            OIDC
	NoPasswords     bool     // members sign in by OIDC only
	TrustedProxies  []string // CIDRs or addresses of proxies whose X-Forwarded-For and X-Forwarded-Proto are taken

	Distributed    bool          // DatabaseURL is a distributed PostgreSQL: a transaction touches one workspace, and so one shard
	HoldDeliveries bool          // store deliveries but send none
	DrainGrace     time.Duration // how long requests under way may finish at a stop; default 10 s

	Version string
	Log     *slog.Logger
	Now     func() time.Time // tests of clocks; nil: the machine's. With DatabaseURL the database's clock is used instead, once it is known
	VFS     string           // tests of I/O faults: the name of a registered SQLite VFS
	Notices io.Writer        // where --dev's warning goes; nil: the log
}

// The defaults of Config.
const (
	DefaultAddr    = "127.0.0.1:8080"
	DefaultDataDir = "signalbox-data"
	defaultGrace   = 10 * time.Second

	// DatabaseFile is the embedded database's name in the data directory.
	DatabaseFile = "signalbox.db"
)

// withDefaults returns the configuration with every default filled in.
func (c Config) withDefaults() Config {
	if c.Addr == "" {
		c.Addr = DefaultAddr
	}
	if c.DataDir == "" {
		c.DataDir = DefaultDataDir
	}
	if c.DrainGrace == 0 {
		c.DrainGrace = defaultGrace
	}
	if c.Version == "" {
		c.Version = "dev"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = func() time.Time { return time.Now().Add(fault.Shift()) }
	}
	return c
}

// Check returns every problem of the configuration at once, each naming its flag.
func (c Config) Check() error {
	c = c.withDefaults()
	var problems []error
	bad := func(flag, format string, args ...any) {
		problems = append(problems, fmt.Errorf("--%s: %s", flag, fmt.Sprintf(format, args...)))
	}
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		bad("addr", "%q is not host:port, for example 127.0.0.1:8080", c.Addr)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		bad("tls-cert", "give both --tls-cert and --tls-key, or neither")
	}
	for flag, path := range map[string]string{"tls-cert": c.TLSCert, "tls-key": c.TLSKey, "target-ca": c.TargetCA, "secret-key-file": c.SecretKeyFile, "oidc-client-secret-file": c.OIDC.ClientSecretFile} {
		if path == "" {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			bad(flag, "%v", err)
		}
	}
	if c.PublicURL != "" {
		if u, err := url.Parse(c.PublicURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			bad("public-url", "%q is not a URL such as https://signals.example.com", c.PublicURL)
		}
	}
	if info, err := os.Stat(c.ImportDir); c.ImportDir != "" && (err != nil || !info.IsDir()) {
		bad("import-dir", "%q is no directory that can be read", c.ImportDir)
	}
	if c.ConnectorsDir != "" {
		if _, err := connector.Definitions(c.ConnectorsDir); err != nil {
			for line := range strings.Lines(err.Error()) {
				bad("connectors-dir", "%s", strings.TrimSpace(line))
			}
		}
	}
	if c.SMTPURL != "" {
		if _, err := mail.New(c.SMTPURL); err != nil {
			bad("smtp-url", "%v", err)
		}
	}
	if c.DatabaseURL != "" {
		if err := store.CheckURL(c.DatabaseURL); err != nil {
			bad("database-url", "%v", err)
		}
	} else if c.Distributed {
		bad("distributed", "the embedded database is not distributed: give --database-url too")
	}
	if c.DatabaseURL != "" {
		if c.SecretKey == "" && c.SecretKeyFile == "" {
			bad("secret-key-file", "a PostgreSQL database needs a secret key that all its nodes share: set SIGNALBOX_SECRET_KEY, or name a file "+
				"(made, for example, by: openssl rand -hex 32)")
		}
	}
	if c.SecretKey != "" && c.SecretKeyFile != "" {
		bad("secret-key-file", "give it or SIGNALBOX_SECRET_KEY, not both")
	}
	if c.SecretKey != "" {
		if _, err := seal.ParseKey(c.SecretKey); err != nil {
			bad("secret-key", "%v", err)
		}
	}
	c.checkSignIn(bad)
	if c.RetentionEventDays < 0 || c.RetentionSignalDays < 0 {
		bad("retention-event-days", "days cannot be negative; 0 leaves the default, and for signals keeps them for ever")
	}
	if _, err := newPolicy(c); err != nil {
		bad("allow-target", "%v", err)
	}
	return errors.Join(problems...)
}

// RedactURL is a database's URL to show: without its password.
func RedactURL(text string) string { return store.RedactURL(text) }

// RedactSMTP is the URL of a mail server without its password, for showing.
func RedactSMTP(text string) string { return mail.Redact(text) }

// scheme is how this server is spoken to.
func (c Config) scheme() string {
	if c.TLSCert != "" {
		return "https"
	}
	return "http"
}

// trimURL is a base URL without its final slash.
func trimURL(u string) string { return strings.TrimSuffix(u, "/") }
