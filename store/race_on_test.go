//go:build race

package store_test

// stride is how many calls the fault sweep steps over: the race detector makes SQLite an order of magnitude slower.
const stride = 7
