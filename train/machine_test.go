package train

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/torch"
)

// A failure of the GPU is one line with its remedy, wherever it comes from.
func TestFailuresOfTheGPU(t *testing.T) {
	c := Default()
	c.BatchSize = 512
	said := &torch.Error{Op: "conv2d",
		Message: "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.15 GiB of which 1.06 " +
			"GiB is free. Including"}
	for _, k := range []struct {
		micro      int
		checkpoint bool
		want       string
	}{
		{0, false, "a step has 256 pictures on it: give a smaller --batch-size, --micro-batch N (a divisor of 256) or " +
			"--checkpoint-activations"},
		{64, false, "a step has 256 pictures on it: give a smaller --batch-size, a --micro-batch below 64 or " +
			"--checkpoint-activations"},
		{0, true, "a step has 256 pictures on it: give a smaller --batch-size, --micro-batch N (a divisor of 256)"},
		{1, true, "a step has 256 pictures on it: give a smaller --batch-size"},
	} {
		c.MicroBatch, c.Recompute = k.micro, k.checkpoint
		err := c.Explain(fmt.Errorf("epoch 1: %w", said), c.room(2))
		assert.Equal(t, "the GPU is out of memory: 1.06 GiB of 79.15 GiB are free, 2.00 GiB were asked for; "+k.want,
			err.Error())
		assert.True(t, isFault(err))
	}
	other := errors.New("no GPU's")
	assert.Same(t, other, c.Explain(other, ""))
	c.Device = "gpu"
	assert.Same(t, error(said), c.Explain(said, ""), "a device that nobody knows")
}

func TestNumericsOfAMachine(t *testing.T) {
	m := Machine{"cuda:1", "float32", true}
	n, err := m.numerics()
	require.NoError(t, err)
	assert.Equal(t, torch.Numerics{Deterministic: true}, n)
}
