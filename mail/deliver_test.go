package mail_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"signalbox/mail"
)

// script is a mail server that says what it is told at each command, by the command's word; "" hangs up, and what is not in it is "250 ok". Its greeting is under
// "CONNECT", and what it says of the whole message under ".". told gets each message.
type script map[string]string

func (s script) serve(t *testing.T) (m *mail.Mailer, told chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	told = make(chan string, 16)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.talk(c, told)
		}
	}()
	if m, err = mail.New("smtp://" + l.Addr().String() + "?from=signalbox@example.com&tls=none"); err != nil {
		t.Fatal(err)
	}
	m.DialBy((&net.Dialer{}).DialContext)
	return m, told
}

func (s script) talk(c net.Conn, told chan<- string) {
	defer c.Close()
	say := func(word, unless string) bool {
		line, known := s[word]
		if !known {
			line = unless
		}
		if line != "" {
			fmt.Fprint(c, line+"\r\n")
		}
		return line != ""
	}
	if !say("CONNECT", "220 test") {
		return
	}
	var text strings.Builder
	data := false
	for lines := bufio.NewScanner(c); lines.Scan(); {
		word, _, _ := strings.Cut(strings.ToUpper(lines.Text()), " ")
		switch {
		case data && word == ".":
			data = false
			told <- text.String()
		case data:
			text.WriteString(lines.Text() + "\n")
			continue
		}
		unless := "250 ok"
		if word == "DATA" {
			unless = "354 go on"
			data = s["DATA"] == ""
		}
		if !say(word, unless) {
			return
		}
	}
}

// RFC 5321, section 4.2.1: what the server says of a message is told with its code, whatever step it says it at.
func TestMail_TellsWhatTheServerAnswered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script script
		code   int
		said   string
	}{
		"the recipient is unknown":       {script{"RCPT": "550 5.1.1 no such user"}, 550, "550 5.1.1 no such user"},
		"the recipient is greylisted":    {script{"RCPT": "450 4.2.0 later"}, 450, "450 4.2.0 later"},
		"the sender is refused":          {script{"MAIL": "553 5.7.1 not yours"}, 553, "553 5.7.1 not yours"},
		"the text is refused":            {script{".": "554 5.6.0 spam"}, 554, "554 5.6.0 spam"},
		"no text is wanted":              {script{"DATA": "451 4.3.0 disk full"}, 451, "451 4.3.0 disk full"},
		"it has too much to do":          {script{"CONNECT": "421 4.3.2 too many"}, 421, "421 4.3.2 too many"},
		"it is not one for us":           {script{"CONNECT": "554 5.3.2 go away"}, 0, ""},
		"it hangs up before its answer":  {script{".": ""}, 0, ""},
		"it hangs up before it is asked": {script{"EHLO": "", "HELO": ""}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, _ := c.script.serve(t)
			err := m.Mail(t.Context(), "ann@example.com", "s", "t", "run_x/1")
			if err == nil {
				t.Fatal("it was taken")
			}
			var refused *mail.Refusal
			if !errors.As(err, &refused) {
				if c.code != 0 {
					t.Fatalf("%v is no refusal", err)
				}
				return
			}
			if code, said := refused.SMTP(); code != c.code || !strings.HasPrefix(said, c.said) || strings.Contains(said, "ann@example.com") {
				t.Errorf("it answered %d %q, want %d %q", code, said, c.code, c.said)
			}
		})
	}
}

// A message that is handed over again is known by its Message-ID; a value cannot add a header.
func TestMail_TheSameKeyIsTheSameMessageID(t *testing.T) {
	t.Parallel()
	m, told := script{}.serve(t)
	ids := map[string]string{}
	for _, key := range []string{"run_01hx/1", "run_01hx/1", "run_01hx/2", "<a b>@c\r\nBcc: eve@example.com"} {
		if err := m.Mail(t.Context(), "ann@example.com", "Hello\r\nBcc: eve@example.com", "one\n.\ntwo\n", key); err != nil {
			t.Fatal(err)
		}
		text := <-told
		head, body, _ := strings.Cut(text, "\n\n")
		id := ""
		for line := range strings.SplitSeq(head, "\n") {
			if strings.HasPrefix(line, "Bcc") {
				t.Errorf("a value became a header: %q", line)
			}
			if rest, ok := strings.CutPrefix(line, "Message-ID: "); ok {
				id = rest
			}
		}
		if known := ids[key]; id == "" || known != "" && id != known {
			t.Errorf("%q has the id %q, and had %q", key, id, known)
		}
		ids[key] = id
		if !strings.Contains(body, "two") || !strings.Contains(head, "Auto-Submitted: auto-generated") {
			t.Errorf("taken as %q", text)
		}
	}
	if ids["run_01hx/1"] != "<run_01hx.1@127.0.0.1>" || ids["run_01hx/2"] != "<run_01hx.2@127.0.0.1>" {
		t.Errorf("ids %v", ids)
	}
}

// The server's yes is what counts: a message that was taken is not sent again because the goodbye failed.
func TestMail_WhatWasTakenIsTaken(t *testing.T) {
	t.Parallel()
	for _, s := range []script{{"RSET": ""}, {"RSET": "421 shutting down"}, {"QUIT": "", "RSET": ""}} {
		m, told := s.serve(t)
		if err := m.Mail(t.Context(), "ann@example.com", "s", "t", "k"); err != nil {
			t.Errorf("%v: %v", s, err)
		}
		if text := <-told; !strings.Contains(text, "Subject: s") {
			t.Errorf("taken as %q", text)
		}
	}
}

// A stop does not wait for a server that never answers.
func TestMail_TheEndOfTheContextEndsTheConversation(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		if c, err := l.Accept(); err == nil {
			defer c.Close()
			fmt.Fprint(c, "220 test\r\n")
			_, _ = bufio.NewReader(c).ReadString('\n') // its EHLO, which is never answered
			cancel()
			_, _ = bufio.NewReader(c).ReadString('\n')
		}
	}()
	m, err := mail.New("smtp://" + l.Addr().String() + "?from=signalbox@example.com&tls=none")
	if err != nil {
		t.Fatal(err)
	}
	m.DialBy((&net.Dialer{}).DialContext)
	begun := time.Now()
	if err := m.Mail(ctx, "ann@example.com", "s", "t", "k"); err == nil || time.Since(begun) > 10*time.Second {
		t.Errorf("it ended after %s with %v", time.Since(begun), err)
	}
}
