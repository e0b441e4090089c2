package eval_test

import (
	"context"
	"iter"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/standin"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// scores are the results of the evaluations of one network on a device, and how often each read the device.
type scores struct {
	linear, tuned eval.Accuracy
	knn, cosine   float64
	loss          float64
	reads         []int64
}

func evaluate(t *testing.T, device gotch.Device) (out scores) {
	s := torch.NewScope()
	defer func() { require.NoError(t, s.Close()) }()
	require.NoError(t, torch.ManualSeed(8))
	o := torch.Options{DType: gotch.Float, Device: device}
	const n, classes, size = 700, 3, 8
	pictures := torch.Slice[float32](s, s.Normal(0, 1, torch.Float32(), n, 3, size, size))
	for i := range n { // the picture shows its label
		pictures[i*3*size*size+i%350%classes] += 5
	}
	batches := func(yield func(eval.Batch, error) bool) {
		for from := 0; from < n; from += 350 {
			b := eval.Batch{Pictures: pictures[from*3*size*size : (from+350)*3*size*size], Size: size}
			for i := range 350 {
				b.Labels = append(b.Labels, int64(i%classes))
			}
			if !yield(b, nil) {
				return
			}
		}
	}
	backbone, err := nets.NewBackbone("resnet8", nets.StemCIFAR, 0.125)
	require.NoError(t, err)
	p, b := nets.Initialize(s, backbone.Params(), o), nets.Initialize(s, backbone.Buffers(), o)
	ctx, before := context.Background(), standin.Counted()
	count := func() {
		out.reads = append(out.reads, before.Since().Reads)
		before = standin.Counted()
	}
	forward := func(s *torch.Scope, x torch.Tensor) torch.Tensor { return backbone.Forward(s, p, b, x, nets.Eval()) }
	features, err := eval.Extract(ctx, s, iter.Seq2[eval.Batch, error](batches), o, n, classes, forward)
	require.NoError(t, err)
	count()
	c := eval.DefaultLinear()
	c.Epochs, c.BatchSize = 3, 300
	probe, err := eval.FitLinear(ctx, s, features, c)
	require.NoError(t, err)
	count()
	out.linear, err = probe.Score(s, features)
	require.NoError(t, err)
	count()
	out.knn, err = eval.KNN(features, features, eval.DefaultKNN())
	require.NoError(t, err)
	out.cosine, err = eval.KNN(features, features, eval.KNNConfig{K: 5, Metric: "cosine", Temperature: 0.07})
	require.NoError(t, err)
	count()
	tune := eval.DefaultFineTune()
	tune.Epochs = 1
	k, err := eval.NewClassifier(s, backbone, p, b, classes, 2, tune)
	require.NoError(t, err)
	out.loss, err = k.Epoch(ctx, batches)
	require.NoError(t, err)
	count()
	out.tuned, err = k.Score(ctx, batches)
	require.NoError(t, err)
	count()
	return out
}

// The evaluations have the same results on a device as on the CPU. They read the device once a block or an epoch.
func TestEvaluationsOnADevice(t *testing.T) {
	want, got := evaluate(t, gotch.CPU), evaluate(t, standin.Device())
	assert.Equal(t, []int64{0, 0, 0, 0, 0, 0}, want.reads)
	assert.Equal(
		t, []int64{1, 0, 1, 2 * 2, 1, 2}, got.reads,
		"features, fitting, scoring, two blocks of rows by two metrics, an epoch, two batches",
	)
	assert.InDelta(t, want.linear.Top1, got.linear.Top1, 0.005)
	assert.InDelta(t, want.knn, got.knn, 0.005)
	assert.InDelta(t, want.cosine, got.cosine, 0.005)
	assert.InDelta(t, want.loss, got.loss, 1e-4)
	assert.InDelta(t, want.tuned.Top1, got.tuned.Top1, 0.005)
	assert.Greater(t, got.loss, 0.0)
}
