package auth

import "errors"

// Identity is what an identity provider says of somebody.
type Identity struct {
	Email string // one that the provider has verified
	Name  string
}

// ErrUnverified is a provider's saying nothing, or no, to whether it has verified an e-mail.
var ErrUnverified = errors.New("the identity provider has not verified the e-mail")
