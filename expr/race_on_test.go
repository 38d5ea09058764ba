//go:build race

package expr_test

// raceDetector: with it the library's pools forget at random, and memory is not what it is without.
const raceDetector = true
