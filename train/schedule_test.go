package train

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/icl-msr/icl-msr/nets"
)

func TestAWarmupLongerThanTheRunIsTold(t *testing.T) {
	for warmup, want := range map[int]string{
		0: "", 12: "",
		24: "--warmup 24 is longer than the run of 12 steps: the learning rate ends at 0.25 and never comes to 0.5; give " +
			"a smaller --warmup\n",
	} {
		var w flagWriter
		tellWarmup(&w, nets.Schedule{Kind: "constant", LR: 0.5, Warmup: warmup, Epochs: 3, Steps: 4})
		assert.Equal(t, want, w.String())
	}
}

// flagWriter is a writer whose readers know the warm-up by its flag's name.
type flagWriter struct{ bytes.Buffer }

func (*flagWriter) NameOf(key string) string {
	return map[string]string{"nets.Warmup": "--warmup"}[key]
}
