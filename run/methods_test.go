package main

import (
	"bytes"
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/train"
)

// interrupter cancels a run once the run has printed a given word.
type interrupter struct {
	bytes.Buffer
	word string
	stop context.CancelFunc
}

func (w *interrupter) Write(b []byte) (int, error) {
	if strings.Contains(string(b), w.word) {
		w.stop()
	}
	return w.Buffer.Write(b)
}

// Every method of the registry trains with and without MSR. Its loss falls and its embeddings do not collapse. An
// interrupted and resumed run ends with the parameters, target, queue and prototypes of an uninterrupted one.
func TestEveryMethodTrainsAndResumes(t *testing.T) {
	for _, name := range methods.Names() {
		for _, msr := range []string{"false", "true"} {
			t.Run(name+", MSR "+msr, func(t *testing.T) {
				dir := t.TempDir()
				args := func(out string, more ...string) []string {
					return append([]string{"pretrain", "--preset", "cpu", "--method", name, "--msr=" + msr, "--meta-every", "4",
						"--count", "256", "--batch-size", "32", "--epochs", "3",
						"--width", "0.125", "--hidden", "32", "--dim", "12", "--queue", "64", "--warmup", "0", "--schedule", "constant",
						"--size", "24", "--threads", "1", "--msr-width", "0.25",
						"--out", filepath.Join(dir, out)}, more...)
				}
				status, _, errs := do(args("whole")...)
				require.Zero(t, status, errs)
				epochs, err := train.ReadMetrics(filepath.Join(dir, "whole"))
				require.NoError(t, err)
				require.Len(t, epochs, 3)
				first := 0
				if name == "pcl" {
					first = 1 // its first epoch has no clusters, so the loss lacks their term
				}
				assert.Less(t, epochs[2].Value("l_ct"), epochs[first].Value("l_ct"), "the loss falls")
				assert.Greater(t, epochs[2].Value("embedding_std"), 0.1, "embeddings keep their spread")
				assert.Greater(t, epochs[2].Value("effective_rank"), 1.5, "and more than one direction")
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				w := &interrupter{word: "epoch 2/3  loss", stop: cancel}
				require.Equal(t, exitInterrupted, execute(ctx, program{w, w}, args("cut")), w.String())
				status, _, errs = do(args("cut", "--resume")...)
				require.Zero(t, status, errs)
				require.Equal(t, tensors(t, filepath.Join(dir, "whole")), tensors(t, filepath.Join(dir, "cut")))
			})
		}
	}
}

// In some implementations all prototypes become alike. Their loss stays at ln K.
func TestSwAVLeavesLnK(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run")
	status, _, errs := do("pretrain", "--preset", "cpu", "--method", "swav", "--count", "256", "--batch-size", "32",
		"--epochs", "6", "--width", "0.125", "--hidden", "32",
		"--dim", "12", "--warmup", "0", "--schedule", "constant", "--size", "24", "--threads", "1",
		"--prototypes", "50", "--out", out)
	require.Zero(t, status, errs)
	epochs, err := train.ReadMetrics(out)
	require.NoError(t, err)
	assert.Greater(t, epochs[0].Value("l_ct"), math.Log(50))
	assert.Less(t, epochs[5].Value("l_ct"), math.Log(50))
}

func TestMethodsAreListed(t *testing.T) {
	status, out, errs := do("methods")
	require.Zero(t, status, errs)
	for _, m := range methods.All() {
		assert.Contains(t, out, m.Paper)
	}
	assert.Contains(t, out, "2 strong + 4 small")
	assert.Contains(t, out, "projector, target, queue")
}
