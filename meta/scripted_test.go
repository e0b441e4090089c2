package meta_test

import (
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// A TorchScript backbone has both exact meta gradients, in both spaces; its
// running statistics, and a buffer that its code assigns to, stay.
func TestMetaGradientOfATorchScriptBackbone(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	body, err := nets.LoadScripted("../nets/testdata/scripted.pt", 8, gotch.CPU)
	require.NoError(t, err)
	for _, name := range []string{"simclr", "byol"} {
		for _, space := range []meta.Space{meta.Embedding, meta.Feature} {
			s := torch.NewScope()
			p := problem(t, s, name, space, false)
			o := torch.Float64()
			p.Model, err = model.New(p.Model.Method, body)
			require.NoError(t, err)
			p.MSR, err = nets.NewMSR(nets.MSRConfig{Trunk: "conv4", Width: 0.0625, N: 3, C: p.Model.WeightWidth(space)})
			require.NoError(t, err)
			p.Theta, p.Buffers = nets.Initialize(s, p.Model.Params(), o), nets.Initialize(s, p.Model.Buffers(), o)
			p.ModelState = p.Model.InitialState(s, p.Theta, p.Buffers, o)
			p.Phi, p.PhiBuffers = nets.Initialize(s, p.MSR.Params(), o), nets.Initialize(s, p.MSR.Buffers(), o)
			before := values(s, []torch.Tensor{p.Buffers[0], p.Buffers[1], p.Buffers[2]})
			var grads [][]float64
			for _, way := range []meta.GradientMethod{meta.Unrolled, meta.ForwardMode} {
				p.Config.GradientMethod = way
				r, err := p.Gradient(s)
				require.NoError(t, err)
				assert.Greater(t, r.NormCT, 1e-9)
				grads = append(grads, values(s, r.GradCT))
			}
			scale := 0.0
			for _, g := range grads[0] {
				scale = max(scale, math.Abs(g))
			}
			assert.InDeltaSlice(t, grads[0], grads[1], 1e-9*scale, "%s, %s", name, space)
			assert.Equal(t, before, values(s, []torch.Tensor{p.Buffers[0], p.Buffers[1], p.Buffers[2]}))
			require.NoError(t, s.Close())
		}
	}
}
