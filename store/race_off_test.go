//go:build !race

package store_test

// stride is how many calls the fault sweep steps over: none, it fails every one.
const stride = 1
