package methods_test

import (
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// pass is a method on a small network and random pictures, after its targets
// and its forward pass.
func pass(t *testing.T, s *torch.Scope, name string, c methods.Config) *model.Pass {
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	require.NoError(t, torch.ManualSeed(5))
	c.Temperature, c.Hidden, c.Dim = 0.2, 8, 5
	backbone, err := nets.NewBackbone("resnet8", nets.StemCIFAR, 0.0625)
	require.NoError(t, err)
	method, err := methods.New(name, c)
	require.NoError(t, err)
	m, err := model.New(method, backbone)
	require.NoError(t, err)
	o := torch.Float64()
	p := &model.Pass{Model: m, Theta: nets.Initialize(s, m.Params(), o), Buffers: nets.Initialize(s, m.Buffers(), o),
		Mode:  nets.Train(),
		Clock: model.Clock{Step: 500, Steps: 1000}}
	p.State = m.InitialState(s, p.Theta, p.Buffers, o)
	for range m.Views() {
		p.Batch.Views = append(p.Batch.Views, s.Normal(0, 1, o, 4, 3, 8, 8))
	}
	p.Targets(s)
	p.Forward(s)
	return p
}

func slice(s *torch.Scope, x torch.Tensor) []float64 { return torch.Slice[float64](s, x) }

// A queue that is read after the batch went in has the positives among the
// negatives. Here it is read first: the loss is that of the earlier keys.
func TestTheQueueIsReadBeforeTheBatchGoesIn(t *testing.T) {
	s := torch.NewScope()
	p := pass(t, s, "moco", methods.Config{Queue: 12})
	before := s.Clone(p.StateTensor(s, "queue"))
	key := p.Batch.TargetZ
	want := (s.Item(losses.InfoNCEQueue(s, p.Z[0], key[1], before, 0.2)) +
		s.Item(losses.InfoNCEQueue(s, p.Z[1], key[0], before, 0.2))) / 2
	assert.InDelta(t, want, s.Item(p.Loss(s, p)), 1e-12)
	assert.Equal(t, slice(s, before), slice(s, p.StateTensor(s, "queue")), "the loss leaves the queue alone")
	p.Update(s)
	after := p.StateTensor(s, "queue")
	assert.InDeltaSlice(t, slice(s, s.Normalize(s.Cat(0, key...))), slice(s, s.Narrow(after, 0, 0, 8)), 1e-12,
		"the newest keys lie first")
	assert.Equal(t, slice(s, s.Narrow(before, 0, 0, 4)), slice(s, s.Narrow(after, 0, 8, 4)), "the oldest have left")
	assert.NotEqual(t, want, s.Item(p.Loss(s, p)))
	require.NoError(t, s.Close())
}

// The target's batch norm moves by its own pictures; its parameters by the
// moving average; neither where the mode is that of the meta stage.
func TestTheTargetsBatchNormIsItsOwn(t *testing.T) {
	s := torch.NewScope()
	p := pass(t, s, "byol", methods.Config{Momentum: 0.9})
	at := func(name string) int {
		for i, spec := range p.Model.State() {
			if spec.Name == name {
				return i
			}
		}
		t.Fatal(name)
		return 0
	}
	mean := p.State[at("target.backbone.bn1.running_mean")]
	assert.NotEqual(t, make([]float64, 4), slice(s, mean), "moved by the targets of this batch")
	assert.Equal(t, slice(s, p.Buffers[0]), slice(s, mean),
		"as the online network's, which had the same parameters and pictures")
	kept := slice(s, mean)
	old := slice(s, p.State[at("target.backbone.conv1.weight")])
	p.Mode = nets.Meta()
	p.Targets(s)
	assert.Equal(t, kept, slice(s, mean))
	s.Copy(p.Theta[0], s.AddScalar(p.Theta[0], 1))
	p.Clock = model.Clock{Step: 0, Steps: 1000}
	p.Update(s)
	now := slice(s, p.State[at("target.backbone.conv1.weight")])
	for i := range now {
		require.InDelta(t, old[i]+0.1, now[i], 1e-12, "0.9 of the old and 0.1 of the new")
	}
	assert.Equal(t, kept, slice(s, mean))
	require.NoError(t, s.Close())
}

// SwAV that is stuck has the loss ln K: all prototypes alike. Its prototypes
// keep norm 1, do not move at first, and its queue joins Sinkhorn once full.
func TestSwAVsPrototypesAndQueue(t *testing.T) {
	s := torch.NewScope()
	p := pass(t, s, "swav", methods.Config{Prototypes: []int64{6}, Queue: 8})
	last := len(p.Theta) - 1
	grads := append([]torch.Tensor(nil), p.Theta...)
	freezer := p.Method.(model.Freezer)
	freezer.Freeze(p, grads)
	assert.True(t, grads[last].Defined())
	p.Clock.Step = 49
	freezer.Freeze(p, grads)
	assert.False(t, grads[last].Defined(), "in the first twentieth of a run")
	assert.True(t, grads[last-1].Defined())

	p.Clock.Step = 1 // 4 pictures seen, for a queue of 8
	early := s.Item(p.Loss(s, p))
	s.Copy(p.Theta[last], s.MulScalar(p.Theta[last], 3))
	p.Update(s)
	for _, n := range slice(s, s.NormDim(p.Theta[last], false, 1)) {
		assert.InDelta(t, 1, n, 1e-12)
	}
	assert.InDeltaSlice(t, slice(s, s.Normalize(p.Z[1])), slice(s, s.Narrow(p.StateTensor(s, "queue.1"), 0, 0, 4)), 1e-12)
	assert.InDelta(t, early, s.Item(p.Loss(s, p)), 1e-9, "a queue that is not full is not used")
	p.Clock.Step = 500
	assert.NotEqual(t, early, s.Item(p.Loss(s, p)))
	require.NoError(t, s.Close())
}

func TestOptionsAreChecked(t *testing.T) {
	c := methods.Config{Temperature: 0.5, Hidden: 8, Dim: 5}
	for want, options := range map[string]map[string]float64{
		`unknown option of dcl "tau_plsu"; did you mean "tau_plus"?`: {"tau_plsu": 1},
		"Options tau_plus=NaN": {"tau_plus": math.NaN()},
		"Options tau_plus=-1":  {"tau_plus": -1},
	} {
		c.Options = options
		_, err := methods.New("dcl", c)
		assert.ErrorContains(t, err, want)
	}
	for want, x := range map[string]struct {
		method string
		option string
		value  float64
	}{
		"Options view_norm=4: want a whole number from 0 to 3":    {"simclr", "view_norm", 4},
		"Options head_last=0.5: want a whole number from 0 to 2":  {"simclr", "head_last", 0.5},
		"Options head_layers=0: want a whole number from 1 to 16": {"simclr", "head_layers", 0},
		"Options directions=3: want a whole number from 1 to 2":   {"moco", "directions", 3},
		`unknown option of simclr "predictor_bias"`:               {"simclr", "predictor_bias", 1},
		`unknown option of cmc "view_norm"`:                       {"cmc", "view_norm", 1}, // it has one view
		`unknown option of cpc "head_last"`:                       {"cpc", "head_last", 1}, // and a head of its own
	} {
		c.Options = map[string]float64{x.option: x.value}
		_, err := methods.New(x.method, c)
		assert.ErrorContains(t, err, want)
	}
	own := c
	own.Projector = func(dim int64) nets.Encoder { return nets.NewProjector(dim, 3, 5) }
	own.Options = map[string]float64{"head_last": 1}
	_, err := methods.New("simclr", own)
	assert.ErrorContains(t, err, "Config.Projector brings another")
	c.Options = map[string]float64{"views": 4}
	m, err := methods.New("w_mse", c)
	require.NoError(t, err)
	assert.Len(t, m.Views(), 4)
	c.Options = nil
	for want, change := range map[string]methods.Config{
		"Prototypes 1":  {Temperature: 0.5, Hidden: 8, Dim: 5, Prototypes: []int64{1}},
		"Queue -1":      {Temperature: 0.5, Hidden: 8, Dim: 5, Queue: -1},
		"Temperature 0": {Hidden: 8, Dim: 5},
		"Momentum 2":    {Temperature: 0.5, Hidden: 8, Dim: 5, Momentum: 2},
		"Hidden 0":      {Temperature: 0.5, Dim: 5},
	} {
		_, err := methods.New("swav", change)
		assert.ErrorContains(t, err, want)
	}
}

func TestABackboneThatCannotBeHalvedIsAnError(t *testing.T) {
	m, err := methods.New("cmc", methods.Config{Temperature: 0.1, Hidden: 8, Dim: 5})
	require.NoError(t, err)
	_, err = model.New(m, nets.WithDim(nets.Seq(nets.GlobalAvgPool()), 3))
	assert.ErrorContains(t, err, "method cmc: the backbone cannot be halved")
}

// A picture's patches lie together, row by row, half overlapping.
func TestCPCsPatches(t *testing.T) {
	s := torch.NewScope()
	m, err := methods.New("cpc", methods.Config{Temperature: 0.1, Hidden: 8, Dim: 5})
	require.NoError(t, err)
	x := s.Reshape(s.To(s.Arange(0, 2*3*16*16, torch.Float64().Device), torch.Float64()), 2, 3, 16, 16)
	patches := m.(model.Cutter).Cut(s, x)
	require.Equal(t, []int64{2 * 49, 3, 4, 4}, s.Shape(patches))
	first := slice(s, s.Narrow(patches, 0, 49+7*2+1, 1)) // the second picture, row 2, column 1
	want := slice(s, s.Narrow(s.Narrow(s.Narrow(x, 0, 1, 1), 2, 4, 4), 3, 2, 4))
	assert.Equal(t, want, first)
	m.(model.Cutter).Cut(s, s.Narrow(s.Narrow(x, 2, 0, 6), 3, 0, 6))
	assert.ErrorContains(t, s.Close(), "use --size 8 or more")
}

// The context network sees no row below, and CMC's sides nothing of each other.
func TestWhatHeadsDoNotSee(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := torch.NewScope()
	o := torch.Float64()
	c := nets.NewContext(3, 4, 2, 5, 2)
	params := nets.Initialize(s, c.Params(), o)
	predictions := func(x torch.Tensor) torch.Tensor {
		return s.Narrow(c.Forward(s, params, nil, x, nets.Eval()), 1, 0, 50) // [1, 5*5*2], row by row
	}
	x := s.Normal(0, 1, o, 25, 3)
	y := s.Clone(x)
	s.Copy(s.Narrow(y, 0, 15, 10), s.Normal(0, 1, o, 10, 3)) // rows 3 and 4 of the grid
	a, b := slice(s, predictions(x)), slice(s, predictions(y))
	assert.InDeltaSlice(t, a[:30], b[:30], 1e-12)
	assert.NotEqual(t, a[30:], b[30:])

	p := pass(t, s, "cmc", methods.Config{})
	z := [][]float64{slice(s, p.Z[0]), slice(s, p.Z[1])}
	s.Copy(s.Narrow(p.Batch.Views[0], 1, 1, 2), s.Normal(0, 1, o, 4, 2, 8, 8)) // other colours
	p.Forward(s)
	assert.Equal(t, z[0], slice(s, p.Z[0]))
	assert.NotEqual(t, z[1], slice(s, p.Z[1]))
	require.NoError(t, s.Close())
}

// outside is MoCo, written with what a program outside of this module has.
type outside struct{ methods.Base }

func (m outside) Networks(backbone nets.Encoder) (model.Networks, error) {
	n, err := m.Base.Networks(backbone)
	n.Target = true
	n.State = []nets.Spec{model.QueueSpec("keys", m.Config.Queue, m.Config.Dim)}
	return n, err
}

func (m outside) Momentum(progress float64) float64 { return m.TargetMomentum(0.999, progress) }

func (m outside) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	b := p.PairWithQueue(s, "keys")
	first := losses.InfoNCEQueue(s, b.Z1, b.All2, b.Queue, m.Config.Temperature)
	second := losses.InfoNCEQueue(s, b.Z2, b.All1, b.Queue, m.Config.Temperature)
	return s.MulScalar(s.Add(first, second), 0.5)
}

func (m outside) Update(s *torch.Scope, p *model.Pass) { p.Enqueue(s, "keys", p.Batch.TargetZ...) }

// A method that is written outside of this module trains as the registry's does.
func TestAMethodFromOutsideHasWhatOursHave(t *testing.T) {
	s := torch.NewScope()
	ours := pass(t, s, "moco", methods.Config{Queue: 12})
	base, err := methods.NewBase("outside", methods.Config{Temperature: 0.2, Hidden: 8, Dim: 5, Queue: 12},
		methods.EMAOption(0))
	require.NoError(t, err)
	backbone, err := nets.NewBackbone("resnet8", nets.StemCIFAR, 0.0625)
	require.NoError(t, err)
	theirs := *ours
	theirs.Model, err = model.New(outside{base}, backbone)
	require.NoError(t, err)
	assert.Equal(t, "outside", theirs.Name())
	theirs.State = nil
	for _, x := range ours.State {
		theirs.State = append(theirs.State, s.Clone(x))
	}
	for range 2 {
		assert.InDelta(t, s.Item(ours.Loss(s, ours)), s.Item(theirs.Loss(s, &theirs)), 1e-12)
		ours.Update(s)
		theirs.Update(s)
	}
	assert.Equal(t, slice(s, ours.StateTensor(s, "queue")), slice(s, theirs.StateTensor(s, "keys")))
	require.NoError(t, s.Close())
}

// An option may be given by a former name.
func TestFormerNamesOfOptions(t *testing.T) {
	for _, c := range []struct{ method, former, name string }{
		{"pcl", "warm", "warmup"}, {"pcl", "turns", "iterations"}, {"directpred", "memory", "rho"},
		{"directpred", "boost", "eps"}, {"cpc", "ahead", "offset"},
	} {
		config := methods.Config{Temperature: 0.5, Hidden: 8, Dim: 5, Pictures: 9}
		name, ok := methods.Renamed(c.method, c.former)
		assert.True(t, ok)
		assert.Equal(t, c.name, name)
		config.Options = map[string]float64{c.former: 0}
		old, err := methods.New(c.method, config)
		require.NoError(t, err, c.former)
		config.Options = map[string]float64{c.name: 0}
		now, err := methods.New(c.method, config)
		require.NoError(t, err, c.name)
		assert.Equal(t, now, old)
		config.Options[c.former] = 1
		_, err = methods.New(c.method, config)
		assert.ErrorContains(t, err, c.former+" of "+c.method+" is the former name of "+c.name)
	}
	_, ok := methods.Renamed("pcl", "warmup")
	assert.False(t, ok)
}

func TestMethodsWithoutNegatives(t *testing.T) {
	assert.ElementsMatch(t, []string{"byol", "simsiam", "directpred", "swav", "w_mse", "ssl_hsic", "barlow_twins",
		"vicreg"}, methods.WithoutNegatives())
}
