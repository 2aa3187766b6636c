package stream

import (
	"testing"

	"go.uber.org/goleak"

	"stopline.internal/store/embedded"
)

// Whatever a test begins has ended with it.
func TestMain(m *testing.M) {
	embedded.RunChild()
	goleak.VerifyTestMain(m)
}
