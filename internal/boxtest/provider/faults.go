package provider

import (
	"net/http"
	"net/http/httptest"
	"strconv"
)

// Status answers with a status and headers, given as names and values.
func Status(code int, headers ...string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ Answer) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		write(w, code, map[string]any{"message": "refused by the test"})
	}
}

// Body answers 200 with a text.
func Body(text string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ Answer) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(text))
	}
}

// HTML answers 200 with a page that asks to sign in, as providers do behind which a session has ended.
func HTML() Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ Answer) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("\n<!DOCTYPE html><html><title>Sign in</title></html>"))
	}
}

// Empty answers 200 without a body.
func Empty() Fault { return Body("") }

// Truncated answers with a part of the answer, whose head says that there is more.
func Truncated(of, parts int) Fault {
	return func(w http.ResponseWriter, r *http.Request, answer Answer) {
		whole := record(r, answer)
		w.Header().Set("Content-Length", strconv.Itoa(whole.Body.Len()))
		_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()*of/parts])
	}
}

// Cut answers with a part of the answer as if it were all: a proxy that was ended, or a program that died while it wrote.
func Cut(of, parts int) Fault {
	return func(w http.ResponseWriter, r *http.Request, answer Answer) {
		whole := record(r, answer)
		_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()*of/parts])
	}
}

// Instead answers as if another address had been asked.
func Instead(path string) Fault {
	return func(w http.ResponseWriter, r *http.Request, answer Answer) {
		other := r.Clone(r.Context())
		u, err := r.URL.Parse(path)
		if err != nil {
			panic(err)
		}
		other.URL = u
		answer(w, other)
	}
}

func record(r *http.Request, answer Answer) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	answer(w, r)
	return w
}
