package egress

// The flags that a refusal may name (contract section 15).
const (
	flagTarget      = "--allow-target"
	flagDevOrTarget = "--dev or --allow-target"
	flagPorts       = "--allow-ports or --allow-target"
)

// Refusal says why a target is refused. Both fields may be shown to whoever
// asked for the target: they speak of the URL, never of our network.
type Refusal struct {
	// Reason is what is wrong, a clause in lower case: `http is not allowed`.
	Reason string
	// Flag names the setting that would allow it, empty where none does.
	Flag string
}

// Error is the reason, and the flag that would allow the target.
func (r *Refusal) Error() string {
	if r.Flag == "" {
		return r.Reason
	}
	return r.Reason + " (the server's " + r.Flag + " would allow it)"
}

func refuse(reason string) *Refusal { return &Refusal{Reason: reason} }
