package state

import (
	"testing"

	"go.uber.org/goleak"
)

// Whatever a test begins has ended with it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
