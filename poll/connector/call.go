package connector

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"signalbox/egress"
	"signalbox/retry"
)

// How patient a walk is with one request.
const (
	maxWaits   = 3 // waits that a provider asks for: 429, or 503 with Retry-After
	maxRetries = 2 // of what passes by itself: 5xx, and answers that did not come whole
)

// caller sends the requests of a source: signed, within its budget, and again when that helps.
type caller struct {
	client  Doer
	session *Session
	auth    Auth
	secrets Secrets
	headers map[string]string
	rate    RateLimit
}

// reply is a whole answer.
type reply struct {
	status   int
	header   http.Header
	body     []byte
	requests int // that were sent for it
}

// get fetches an address, signed in. An answer is a success or one of the statuses that the caller can read; everything else is a *Failure.
func (k *caller) get(ctx context.Context, address, accept string, most int64, readable ...int) (reply, error) {
	refused, requests := "", 0
	for {
		access, n, err := k.access(ctx, refused)
		requests += n
		if err != nil {
			return reply{requests: requests}, err
		}
		got, err := k.patiently(ctx, func() (*http.Request, error) { return k.request(ctx, address, accept, access) }, most)
		got.requests += requests
		requests = got.requests
		if err != nil {
			return got, err
		}
		if got.status == http.StatusUnauthorized && k.auth.Type == AuthOAuth2 && refused == "" {
			refused = access // it was revoked, or is older than we thought
			continue
		}
		if got.status == http.StatusOK {
			return got, nil
		}
		for _, s := range readable {
			if s == got.status {
				return got, nil
			}
		}
		return got, statusFailure(got.status)
	}
}

func (k *caller) access(ctx context.Context, refused string) (string, int, error) {
	if k.auth.Type != AuthOAuth2 {
		return "", 0, nil
	}
	return k.token(ctx, refused)
}

func (k *caller) request(ctx context.Context, address, accept, access string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", accept)
	r.Header.Set("Accept-Encoding", "gzip")
	r.Header.Set("User-Agent", "Signalbox")
	for name, value := range k.headers {
		r.Header.Set(name, value)
	}
	k.auth.sign(r, k.secrets, access)
	return r, nil
}

// patiently sends a request until there is an answer, and waits where the provider asks for it.
func (k *caller) patiently(ctx context.Context, build func() (*http.Request, error), most int64) (reply, error) {
	waits, retries, requests := 0, 0, 0
	for {
		if err := k.session.take(ctx, k.rate); err != nil {
			return reply{requests: requests}, err
		}
		requests++
		got, err := k.once(build, most)
		got.requests = requests
		if ctx.Err() != nil {
			return got, ctx.Err()
		}
		wait, limited := k.asksToWait(got)
		var failure *Failure
		switch {
		case limited && (waits == maxWaits || wait > MaxWait):
			return got, &Failure{Kind: RateFailure, Temporary: true, RetryAfter: wait,
				Msg: fmt.Sprintf("the provider answered %s and asks to come again in %s", statusText(got.status), shown(wait))}
		case limited:
			waits++
			k.session.pause(wait)
			continue
		case err == nil && got.status < 500:
			return got, nil
		case err == nil:
			failure = statusFailure(got.status)
		case !errors.As(err, &failure):
			return got, err
		}
		if !failure.Temporary || retries == maxRetries {
			return got, failure
		}
		retries++
		if err := sleep(ctx, time.Duration(retries*retries)*time.Second); err != nil {
			return got, err
		}
	}
}

// asksToWait says whether an answer is a refusal for being asked too often, and for how long.
func (k *caller) asksToWait(got reply) (time.Duration, bool) {
	now := time.Now()
	after := retry.After(got.header.Get("Retry-After"), now)
	exhausted := strings.TrimSpace(got.header.Get(nameOr(k.rate.Remaining, defaultRemaining))) == "0"
	switch {
	case got.status == http.StatusTooManyRequests:
	case got.status == http.StatusServiceUnavailable && after > 0: // BambooHR's way of saying it
	case got.status == http.StatusForbidden && (after > 0 || exhausted): // GitHub's
	default:
		return 0, false
	}
	if after == 0 {
		after = k.rate.resetAfter(got.header.Get(nameOr(k.rate.Reset, defaultReset)), now)
	}
	if after == 0 {
		after = 5 * time.Second // it does not say: longer than the windows of most
	}
	return after, true
}

// once sends one request and reads its answer. Its errors are *Failure.
func (k *caller) once(build func() (*http.Request, error), most int64) (reply, error) {
	r, err := build()
	if err != nil {
		return reply{}, &Failure{Kind: ShapeFailure, Msg: "the address of the page cannot be asked", Err: err}
	}
	resp, err := k.client.Do(r)
	if err != nil {
		return reply{}, sendFailure(err)
	}
	defer resp.Body.Close()
	got := reply{status: resp.StatusCode, header: resp.Header}
	k.session.note(k.rate, resp.Header, time.Now())
	if resp.StatusCode != http.StatusOK {
		_, _ = io.CopyN(io.Discard, resp.Body, 16<<10) // so that the connection can be kept; what it says may hold anything
		return got, nil
	}
	got.body, err = readBody(resp, most)
	return got, err
}

// readBody reads an answer to its end, decompressed.
func readBody(resp *http.Response, most int64) ([]byte, error) {
	var in io.Reader = resp.Body
	plain := false
	switch coding := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding"))); coding {
	case "", "identity":
		plain = true
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(resp.Body)
		if err != nil {
			return nil, &Failure{Kind: NetworkFailure, Temporary: true, Msg: "the answer says that it is compressed, and is not", Err: err}
		}
		in = z
	default:
		return nil, shapeFailure("the answer is compressed by a method that was not asked for; gzip is")
	}
	body, tooLong, err := readAll(in, most)
	switch {
	case err != nil:
		return nil, &Failure{Kind: NetworkFailure, Temporary: true, Msg: "the answer ended before it was complete", Err: err}
	case tooLong:
		return nil, shapeFailure("the answer has more than %d MiB; ask for fewer records at once", most>>20)
	case plain && resp.ContentLength >= 0 && int64(len(body)) != resp.ContentLength:
		return nil, &Failure{Kind: NetworkFailure, Temporary: true, Msg: "the answer ended before it was complete"}
	}
	return body, nil
}

// sendFailure is what came instead of an answer. The error's text is not told: it holds the address with its query.
func sendFailure(err error) *Failure {
	var failure *egress.Failure
	var refusal *egress.Refusal
	switch {
	case errors.As(err, &refusal):
		return &Failure{Kind: GuardFailure, Msg: "the address is refused: " + refusal.Error(), Err: unaddressed(err)}
	case errors.As(err, &failure) && failure.Kind == egress.Refused:
		return &Failure{Kind: GuardFailure, Msg: "the address is refused: " + failure.Msg, Err: unaddressed(err)}
	case errors.As(err, &failure):
		return &Failure{Kind: NetworkFailure, Temporary: true, Msg: "no answer: " + failure.Msg, Err: unaddressed(err)}
	}
	return &Failure{Kind: NetworkFailure, Temporary: true, Msg: "no answer came: the connection failed or took too long", Err: unaddressed(err)}
}

// unaddressed takes the address out of an error of net/http: an API key may lie in its query, and the log is no place for it.
func unaddressed(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// statusFailure is an answer that is no success.
func statusFailure(status int) *Failure {
	f := &Failure{Kind: StatusFailure, Msg: "the provider answered " + statusText(status)}
	switch {
	case status == http.StatusUnauthorized:
		f.Kind = AuthFailure
		f.Msg += "; look whether the credentials are right and still valid"
	case status == http.StatusForbidden:
		f.Kind = AuthFailure
		f.Msg += "; look whether the credentials may read these records"
	case status >= 200 && status < 300:
		f.Msg += ", which holds no whole page; 200 does"
	case status >= 300 && status < 400:
		f.Msg += "; redirects are not followed, so give the address that it leads to"
	case status == http.StatusNotFound || status == http.StatusGone:
		f.Msg += "; look whether the address is right"
	case status == http.StatusRequestTimeout || status >= 500:
		f.Temporary = true
		f.Msg += "; it is asked again later"
	default:
		f.Msg += "; look whether the address and its parameters are right"
	}
	return f
}

func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}
