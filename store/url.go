package store

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// CheckURL says what is wrong with the URL of a PostgreSQL database, and never repeats its password.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Host == "" && u.Query().Get("host") == "" {
		return errors.New("it must read postgres://user:password@host:5432/database; characters such as @ and / in the password are written %40 and %2F")
	}
	if _, err := pgconn.ParseConfig(text); err != nil {
		var e *pgconn.ParseConfigError
		if errors.As(err, &e) && e.Unwrap() != nil {
			return fmt.Errorf("it cannot be read: %w", e.Unwrap())
		}
		return errors.New("it cannot be read: see sslmode, sslrootcert and the other parameters behind the question mark")
	}
	return nil
}

// secretParams are the parameters of a URL whose values are secrets.
var secretParams = regexp.MustCompile(`(?i)\b(password|sslpassword)=[^&]*`)

// RedactURL is a database's URL to show: without its password. What is no URL is hidden whole.
func RedactURL(text string) string {
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" && u.Query().Get("host") == "" {
		return "[hidden]"
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), "hidden")
	}
	u.RawQuery = secretParams.ReplaceAllString(u.RawQuery, "$1=hidden")
	return strings.Replace(u.String(), ":hidden@", ":[hidden]@", 1)
}
