package connector_test

import (
	"testing"

	"signalbox/poll/connector"
)

func TestDefinitions_TheShippedOnesAreRight(t *testing.T) {
	t.Parallel()
	all, err := connector.Definitions("")
	if err != nil {
		t.Fatal(err)
	}
	_ = all
}
