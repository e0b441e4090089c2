package nets_test

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"
	"github.com/sugarme/gotch/nn"
	"github.com/sugarme/gotch/ts"
	"github.com/sugarme/gotch/vision"

	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// gotch's ResNets, with this package's parameters copied in, give the same features in evaluation and in training. Its
// ResNet-50 is not torchvision's (its convolutions have biases, and no ReLU or pooling follows the stem). Ours is
// tested against torchvision's values.
func TestEqualToGotchVision(t *testing.T) {
	// gotch returns copies of tensors whose originals a finalizer frees.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for name, build := range map[string]func(*nn.Path) ts.ModuleT{
		"resnet18": func(p *nn.Path) ts.ModuleT { f := vision.ResNet18NoFinalLayer(p); return &f },
		"resnet34": func(p *nn.Path) ts.ModuleT { f := vision.ResNet34NoFinalLayer(p); return &f },
	} {
		s := torch.NewScope()
		require.NoError(t, torch.ManualSeed(1))
		net, err := nets.NewBackbone(name, nets.StemImageNet, 1)
		require.NoError(t, err)
		p := nets.Initialize(s, net.Params(), torch.Float32())
		b := nets.Initialize(s, net.Buffers(), torch.Float32())
		vs := nn.NewVarStore(gotch.CPU)
		theirs := build(vs.Root())
		variables := vs.Variables()
		put := func(specs []nets.Spec, mine []torch.Tensor) (n int) {
			for i, spec := range specs {
				if v, ok := variables[spec.Name]; ok {
					s.Copy(s.FromGotch(&v), mine[i])
					n++
				}
			}
			return n
		}
		assert.Equal(t, len(p), put(net.Params(), p), "%s: every parameter is there by name", name)
		assert.Equal(t, len(b)*2/3, put(net.Buffers(), b), "%s: running means and variances", name)
		x := s.Normal(0, 1, torch.Float32(), 2, 3, 64, 64)
		// Training comes last, since it moves gotch's running statistics.
		for _, train := range []bool{false, true} {
			mode := nets.Eval()
			if train {
				mode = nets.Meta()
			}
			g := s.ToGotch(x)
			want := theirs.ForwardT(g, train)
			var mine []float32
			torch.NoGrad(func() { mine = torch.Slice[float32](s, net.Forward(s, p, b, x, mode)) })
			require.NoError(t, s.Err())
			flat := torch.Slice[float32](s, s.Detach(s.FromGotch(want)))
			scale := float32(0)
			for _, v := range flat {
				scale = max(scale, v, -v)
			}
			require.Len(t, mine, len(flat))
			assert.InDeltaSlice(t, flat, mine, 1e-4*float64(scale), "%s, training %v", name, train)
			g.MustDrop()
			want.MustDrop()
		}
		require.NoError(t, s.Close())
	}
}

func TestInitialisationIsTorchvisions(t *testing.T) {
	s := torch.NewScope()
	require.NoError(t, torch.ManualSeed(2))
	net, err := nets.NewBackbone("resnet18", nets.StemImageNet, 1)
	require.NoError(t, err)
	assert.EqualValues(t, 11176512, nets.Count(net.Params()), "torchvision's resnet18 without its classifier")
	p := nets.Initialize(s, net.Params(), torch.Float32())
	for i, spec := range net.Params() {
		v := torch.Slice[float32](s, p[i])
		sum, sq := 0.0, 0.0
		for _, x := range v {
			sum, sq = sum+float64(x), sq+float64(x)*float64(x)
		}
		n := float64(len(v))
		std := math.Sqrt(sq / n)
		switch {
		case len(spec.Shape) == 4:
			want := math.Sqrt(2 / float64(spec.Shape[0]*spec.Shape[2]*spec.Shape[3]))
			assert.InEpsilon(t, want, std, 0.05, spec.Name)
		case spec.Name[len(spec.Name)-6:] == "weight":
			assert.Equal(t, n, sum, spec.Name)
		default:
			assert.Zero(t, sq, spec.Name)
		}
	}
	head := nets.NewProjector(512, 1024, 64)
	w := torch.Slice[float32](s, nets.Initialize(s, head.Params(), torch.Float32())[0])
	top := float32(0)
	for _, x := range w {
		top = max(top, x, -x)
	}
	assert.InEpsilon(t, 1/math.Sqrt(512), top, 0.01, "torch.nn.Linear's bound")
	require.NoError(t, s.Close())
}

// The values were computed with torch 2.1: five steps from p = [[1, -2], [0.5, 3]]
// and b = [0.1, -0.2] with gradients g_k = k*[[0.3, -0.1], [0.2, 0.05]] and k*[1, -0.5].
func TestOptimizersAgreeWithPyTorch(t *testing.T) {
	specs := []nets.Spec{{Name: "w", Shape: []int64{2, 2}}, {Name: "b", Shape: []int64{2}}}
	for _, c := range []struct {
		config nets.OptimizerConfig
		want   []float64
	}{
		{
			nets.OptimizerConfig{Name: "adam", WeightDecay: 0.01},
			[]float64{
				0.514243259120169, -1.5114527692446609, 0.014363305294203862, 2.5068060183944763, -0.3851202648984411,
				0.28519487418991557,
			},
		},
		{
			nets.OptimizerConfig{Name: "sgd", WeightDecay: 0.01, Momentum: 0.9, Nesterov: true},
			[]float64{
				-0.3191389517951511, -1.5323515424571479, -0.3766324205023207, 2.7326532028952117, -4.242935020511569,
				1.9739817028807862,
			},
		},
		{
			nets.OptimizerConfig{Name: "sgd", Momentum: 0.5},
			[]float64{
				0.3418750000000001, -1.7806250000000001, 0.061249999999999936, 2.8903124999999994, -2.09375, 0.8968750000000001,
			},
		},
	} {
		s := torch.NewScope()
		p := []torch.Tensor{
			torch.FromSlice(s, []float64{1, -2, 0.5, 3}, gotch.CPU, 2, 2),
			torch.FromSlice(s, []float64{0.1, -0.2}, gotch.CPU, 2),
		}
		opt, err := nets.NewOptimizer(s, c.config, specs, p)
		require.NoError(t, err)
		for k := 1.0; k <= 5; k++ {
			g := []torch.Tensor{
				torch.FromSlice(s, []float64{0.3 * k, -0.1 * k, 0.2 * k, 0.05 * k}, gotch.CPU, 2, 2),
				torch.FromSlice(s, []float64{k, -0.5 * k}, gotch.CPU, 2),
			}
			opt.Step(s, p, g, 0.1)
		}
		got := append(torch.Slice[float64](s, p[0]), torch.Slice[float64](s, p[1])...)
		assert.InDeltaSlice(t, c.want, got, 1e-12, "%+v", c.config)
		_, steps := opt.State()
		assert.EqualValues(t, 5, steps)
		require.NoError(t, s.Close())
	}
}

func TestLARSAdaptsMatricesOnly(t *testing.T) {
	s := torch.NewScope()
	specs := []nets.Spec{{Name: "w", Shape: []int64{1, 2}}, {Name: "b", Shape: []int64{2}}}
	p := []torch.Tensor{
		torch.FromSlice(s, []float64{3, 4}, gotch.CPU, 1, 2), torch.FromSlice(s, []float64{3, 4}, gotch.CPU, 2),
	}
	g := []torch.Tensor{
		torch.FromSlice(s, []float64{0.6, 0.8}, gotch.CPU, 1, 2), torch.FromSlice(s, []float64{0.6, 0.8}, gotch.CPU, 2),
	}
	opt, err := nets.NewOptimizer(s, nets.OptimizerConfig{Name: "lars", WeightDecay: 0.1, Momentum: 0.9}, specs, p)
	require.NoError(t, err)
	opt.Step(s, p, g, 1)
	// |p| = 5, and g + 0.1 p = (0.9, 1.2) has norm 1.5: the step is 1e-3 * 5/1.5 of it. The vector is not decayed.
	assert.InDeltaSlice(t, []float64{3 - 0.003, 4 - 0.004}, torch.Slice[float64](s, p[0]), 1e-9)
	assert.InDeltaSlice(t, []float64{2.4, 3.2}, torch.Slice[float64](s, p[1]), 1e-12)
	require.NoError(t, s.Close())
}

func TestSchedule(t *testing.T) {
	c := nets.Schedule{Kind: "step", LR: 1, Warmup: 10, Drops: []int{50, 25, 200}, Gamma: 0.2, Epochs: 100, Steps: 4}
	require.NoError(t, c.Validate())
	for i, want := range map[int]float64{0: 0.1, 9: 1, 10: 1, 199: 1, 200: 0.2, 299: 0.2, 300: 0.04, 399: 0.04} {
		assert.InDelta(t, want, c.At(i), 1e-12, "iteration %d", i)
	}
	c.Kind, c.Warmup = "cosine", 0
	assert.InDelta(t, 1, c.At(0), 1e-12)
	assert.InDelta(t, 0.5, c.At(200), 1e-12)
	c.LR = math.NaN()
	assert.Error(t, c.Validate())
}

func TestEMA(t *testing.T) {
	s := torch.NewScope()
	target, online := torch.FromSlice(s, []float64{1}, gotch.CPU, 1), torch.FromSlice(s, []float64{3}, gotch.CPU, 1)
	nets.EMA(s, []torch.Tensor{target}, []torch.Tensor{online}, 0.75)
	assert.Equal(t, []float64{1.5}, torch.Slice[float64](s, target))
	require.NoError(t, s.Close())
	assert.InDelta(t, 0.99, nets.EMATau(0.99, 0), 1e-12)
	assert.InDelta(t, 1, nets.EMATau(0.99, 1), 1e-12)
}

// Errors name the settings of the network that they are about.
func TestBackbonesThatAreNotBuilt(t *testing.T) {
	for want, c := range map[string]nets.BackboneConfig{
		`Arch "resnet9" is unknown; known: resnet8, `:                     {Arch: "resnet9", Width: 1, Stem: nets.StemCIFAR},
		"Width 0 gives 0 channels in the first stage; use 0.125 to 4":     {Arch: "resnet8", Stem: nets.StemCIFAR},
		"Width 99 gives 6336 channels in the first stage; use 0.125 to 4": {Arch: "resnet8", Width: 99, Stem: nets.StemCIFAR},
		`Stem "x" is unknown; use imagenet, cifar or stl`:                 {Arch: "resnet8", Width: 1, Stem: "x"},
	} {
		_, err := nets.NewBackbone(c.Arch, c.Stem, c.Width)
		assert.ErrorContains(t, err, want)
	}
	for want, c := range map[string]nets.MSRConfig{
		`Trunk "conv5" is unknown; known: conv4, resnet8, `:       {Trunk: "conv5", Width: 1, N: 1, C: 1},
		"Trunk resnet8 of Width 99: Width 99 gives 6336 channels": {Trunk: "resnet8", Width: 99, N: 1, C: 1},
		"f_msr with 0 weight vectors of 1 entries":                {Trunk: "conv4", Width: 1, C: 1},
	} {
		_, err := nets.NewMSR(c)
		assert.ErrorContains(t, err, want)
	}
}
