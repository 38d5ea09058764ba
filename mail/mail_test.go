package mail_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"signalbox"
	"signalbox/mail"
)

func TestNew_SaysWhatWouldBeRightAndNoPassword(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"smtp://mail.example.com?from=a@example.com", "smtps://u:p%40ss@mail.example.com:465?from=Signalbox%20%3Ca@example.com%3E", "smtp://127.0.0.1:25?from=a@example.com&tls=none",
		"smtp://[::1]:2525/?from=a@example.com&tls=required",
	} {
		if _, err := mail.New(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, says := range map[string]string{
		"mail.example.com":                                              "smtp:// or smtps://",
		"http://mail.example.com?from=a@example.com":                    "smtp:// or smtps://",
		"smtp://?from=a@example.com":                                    "with a host",
		"smtp://mail.example.com/x?from=a@example.com":                  "smtp://",
		"smtp://u:hush@mail.example.com":                                "?from=",
		"smtp://u:hush@mail.example.com?from=nobody":                    "?from=",
		"smtp://u:hush@mail.example.com:0?from=a@example.com":           "1 to 65535",
		"smtp://u:hush@mail.example.com:x?from=a@example.com":           "cannot be read",
		"smtp://u:hush@mail.example.com?from=a@example.com&starttls=no": "from and tls",
		"smtps://mail.example.com?from=a@example.com&tls=none":          "tls=",
		"smtp://u:hu sh@mail.example.com?from=a@example.com":            "cannot be read",
	} {
		_, err := mail.New(bad)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v, want %q", bad, err, says)
		}
	}
	if shown := mail.Redact("smtp://u:hush@mail.example.com?from=a@example.com"); strings.Contains(shown, "hush") || !strings.Contains(shown, "mail.example.com") {
		t.Errorf("shown as %s", shown)
	}
}

// table keeps one message.
type table struct {
	m    signalbox.Mail
	gone bool
	next []time.Time
}

func (s *table) Mail(context.Context, signalbox.WorkspaceID, signalbox.MailID) (signalbox.Mail, error) {
	if s.gone {
		return signalbox.Mail{}, signalbox.NoSuch("mail")
	}
	return s.m, nil
}

func (s *table) SettleMail(_ context.Context, _ signalbox.WorkspaceID, _ signalbox.MailID, next time.Time) error {
	s.next = append(s.next, next)
	if s.m.Attempts++; next.IsZero() {
		s.gone = true
	}
	return nil
}

// answers is a mail server that answers every recipient so.
func answers(t *testing.T, rcpt string) *mail.Mailer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go talk(c, rcpt)
		}
	}()
	m, err := mail.New("smtp://" + l.Addr().String() + "?from=signalbox@example.com&tls=none")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func talk(c net.Conn, rcpt string) {
	defer c.Close()
	fmt.Fprint(c, "220 test\r\n")
	data := false
	for lines := bufio.NewScanner(c); lines.Scan(); {
		word, _, _ := strings.Cut(strings.ToUpper(lines.Text()), " ")
		switch {
		case data && word == ".":
			data = false
			fmt.Fprint(c, "250 taken\r\n")
		case data:
		case word == "RCPT":
			fmt.Fprintf(c, "%s\r\n", rcpt)
		case word == "DATA":
			data = true
			fmt.Fprint(c, "354 go on\r\n")
		case word == "QUIT":
			fmt.Fprint(c, "221 bye\r\n")
			return
		default:
			fmt.Fprint(c, "250 ok\r\n")
		}
	}
}

func TestQueue_TriesAgainForALongWhileAndGivesUpWhereThatIsVain(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)
	minute := time.Minute
	for name, tc := range map[string]struct {
		mailer *mail.Mailer
		waits  []time.Duration // before the last attempt
	}{
		"taken":         {answers(t, "250 ok"), nil},
		"no such user":  {answers(t, "550 no such user"), nil},
		"busy":          {answers(t, "450 later"), []time.Duration{minute, 5 * minute, 30 * minute, 120 * minute, 480 * minute}},
		"there is none": {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &table{m: signalbox.Mail{ID: 1, To: "ada@example.com", Subject: "s", Body: "b", CreatedAt: now}}
			one := mail.NewQueue(s, tc.mailer, slog.New(slog.DiscardHandler), func() time.Time { return now }).Owners()[signalbox.DueMail]
			for !s.gone {
				if again, err := one(t.Context(), signalbox.Due{Kind: signalbox.DueMail, Subject: 1}); err != nil || !again.Kept {
					t.Fatal(again, err)
				}
			}
			if len(s.next) != len(tc.waits)+1 {
				t.Fatalf("%d attempts, want %d", len(s.next), len(tc.waits)+1)
			}
			for i, wait := range tc.waits {
				if got := s.next[i].Sub(now); got != wait {
					t.Errorf("wait %d is %s, want %s", i, got, wait)
				}
			}
			if again, err := one(t.Context(), signalbox.Due{Subject: 1}); err != nil || !again.Done {
				t.Errorf("a message that is gone: %+v, %v", again, err)
			}
		})
	}
}
