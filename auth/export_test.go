package auth

import "context"

// Check holds a password against a hash.
func Check(ctx context.Context, password, phc string) (bool, error) {
	return newHasher().check(ctx, password, phc)
}
