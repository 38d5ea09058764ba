package decide

import "runtime/debug"

// stack is the panicking goroutine's, for the log.
func stack() []byte { return debug.Stack() }
