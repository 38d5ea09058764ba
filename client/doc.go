// Package client speaks to a Signalbox server over its public API: the command line, the tests and programs of others use it.
//
//	c := client.New("http://127.0.0.1:8080", os.Getenv("SIGNALBOX_API_KEY"))
//	receipt, err := c.SendSignal(ctx, client.SignalInput{Type: "trial_started", Source: "app", Contact: client.ContactInput{Email: "jane@acme.com"}})
//
// It refuses to guess: a request that may have taken effect is repeated only when repeating it cannot do anything twice, which is a
// GET, a signal with an idempotency key, or an import of records. SendSignal and SendBatch make such a key when the caller gives none.
//
// Invariants: an answer that is no 2xx comes back as *Error; every call ends with its context; a Client holds no state of a
// conversation and may be used by many goroutines at once; API keys and signing secrets print as [hidden].
package client
