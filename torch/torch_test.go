package torch_test

import (
	"errors"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"
	"github.com/sugarme/gotch/ts"

	"github.com/icl-msr/icl-msr/torch"
)

type (
	tensor = torch.Tensor
	scope  = torch.Scope
)

func vec(s *scope, xs ...float64) tensor {
	return torch.FromSlice(s, xs, gotch.CPU, int64(len(xs)))
}

func pinned(t *testing.T) {
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
}

func TestScopeKeepsFirstError(t *testing.T) {
	s := torch.NewScope()
	a, b := vec(s, 1, 2), vec(s, 1, 2, 3)
	bad := s.Add(a, b)
	assert.False(t, bad.Defined())
	first := s.Err()
	require.Error(t, first)
	assert.NotContains(t, first.Error(), "\n", "one line, no C++ backtrace")
	assert.Contains(t, first.Error(), "add: The size of tensor a (2) must match the size of tensor b (3)")
	s.Log(bad)
	s.MatMul(a, bad)
	assert.Same(t, first, s.Close(), "later operations neither run nor replace it")
	assert.NoError(t, s.Err(), "a closed scope can be used again")
}

func TestTensorsAreFreedEarly(t *testing.T) {
	s := torch.NewScope()
	defer func() { require.NoError(t, s.Close()) }()
	x := s.Full(1, torch.Float64(), 2)
	y := s.Hold(x)
	live := torch.Live()
	s.Free(x)
	assert.Equal(t, live-1, torch.Live())
	assert.Equal(t, []float64{1, 1}, torch.Slice[float64](s, y), "the memory is y's, too")
	s.Within(func(u *torch.Scope) {
		z := u.Full(1, torch.Float64(), 2)
		s.Free(z)
		assert.Equal(t, 1, u.Len(), "not s's")
		s.AddAll([]torch.Tensor{y, y}, []torch.Tensor{z, {}})
	})
	assert.Equal(t, []float64{2, 2}, torch.Slice[float64](s, y))
	assert.Equal(t, 1, s.Len())
	assert.False(t, s.Hold(torch.Tensor{}).Defined())
}

func TestErrorsWithinAreTheOuterScopes(t *testing.T) {
	s := torch.NewScope()
	s.Within(func(u *torch.Scope) { u.Fail(errors.New("inner")) })
	s.Within(func(*torch.Scope) { t.Error("runs after an error") })
	assert.EqualError(t, s.Close(), "inner")
}

func TestUndefinedOperandIsAnError(t *testing.T) {
	s := torch.NewScope()
	s.Neg(tensor{})
	assert.ErrorContains(t, s.Close(), "an operand is missing")
}

func TestGradOfSeveralOutputsAndInputs(t *testing.T) {
	pinned(t)
	s := torch.NewScope()
	x, y, unused := vec(s, 2, 3), vec(s, 5, 7), vec(s, 1)
	s.SetRequiresGrad(true, x, y, unused)
	// f = sum(x*y), g = sum(x*x*x) seeded by 2.
	f, g := s.Sum(s.Mul(x, y)), s.Sum(s.Mul(x, s.Mul(x, x)))
	two := s.Full(2, torch.Float64())
	grads := s.Grad([]tensor{f, g}, []tensor{x, y, unused}, torch.GradOptions{
		Seeds: []tensor{s.OnesLike(f), two}, CreateGraph: true, AllowUnused: true})
	assert.Equal(t, []float64{5 + 2*3*4, 7 + 2*3*9}, torch.Slice[float64](s, grads[0]))
	assert.Equal(t, []float64{2, 3}, torch.Slice[float64](s, grads[1]))
	assert.False(t, grads[2].Defined())
	second := s.Grad([]tensor{s.Sum(grads[0])}, []tensor{x, y}, torch.GradOptions{})
	assert.Equal(t, []float64{2 * 6 * 2, 2 * 6 * 3}, torch.Slice[float64](s, second[0]), "create_graph: 2 * 6x")
	assert.Equal(t, []float64{1, 1}, torch.Slice[float64](s, second[1]))
	require.NoError(t, s.Close())

	x = vec(s, 1)
	s.SetRequiresGrad(true, x)
	s.Grad([]tensor{s.Sum(vec(s, 1))}, []tensor{x}, torch.GradOptions{})
	assert.ErrorContains(t, s.Close(), "does not require grad")
}

func TestGradModeNests(t *testing.T) {
	pinned(t)
	require.True(t, torch.GradEnabled())
	torch.NoGrad(func() {
		torch.NoGrad(func() { assert.False(t, torch.GradEnabled()) })
		assert.False(t, torch.GradEnabled(), "the inner scope restores, it does not turn on")
		restore := torch.SetGrad(true)
		assert.True(t, torch.GradEnabled())
		restore()
		assert.False(t, torch.GradEnabled())
	})
	assert.True(t, torch.GradEnabled())
}

// convNet is a convolution with batch norm, ReLU and a linear layer.
func convNet(s *scope, p []tensor, x tensor, m torch.NormMode) tensor {
	h := s.ConvNorm(x, p[0], torch.Norm{Weight: p[1], Bias: p[2]}, tensor{}, 1, 1, true, m)
	return s.Linear(s.MeanDim(h, false, 2, 3), p[3], p[4])
}

func convParams(s *scope) []tensor {
	o := torch.Float64()
	return []tensor{s.Normal(0, 1, o, 4, 3, 3, 3), s.Normal(1, 0.1, o, 4), s.Normal(0, 0.1, o, 4),
		s.Normal(0, 1, o, 2, 4), s.Normal(0, 1, o, 2)}
}

var batchStats = torch.NormMode{Batch: true, Momentum: 0.1, Eps: 1e-5}

func TestJVPAgreesWithDifferencesAndReverseMode(t *testing.T) {
	pinned(t)
	require.NoError(t, torch.ManualSeed(1))
	s := torch.NewScope()
	p, v := convParams(s), convParams(s)
	x := s.Normal(0, 1, torch.Float64(), 5, 3, 6, 6)
	f := func(p []tensor) []tensor { return []tensor{convNet(s, p, x, batchStats)} }
	y, dy := s.JVP(f, p, v)
	const eps = 1e-6
	plus, minus := f(s.AddScaled(p, v, eps))[0], f(s.AddScaled(p, v, -eps))[0]
	want := torch.Slice[float64](s, s.MulScalar(s.Sub(plus, minus), 1/(2*eps)))
	got := torch.Slice[float64](s, dy[0])
	assert.InDeltaSlice(t, want, got, 1e-7)
	assert.Equal(t, torch.Slice[float64](s, f(p)[0]), torch.Slice[float64](s, y[0]))

	// <u, J v> = <Jᵀ u, v>.
	u := s.Normal(0, 1, torch.Float64(), 5, 2)
	leaves := s.Leaves(p)
	back := s.Grad(f(leaves), leaves, torch.GradOptions{Seeds: []tensor{u}})
	assert.InDelta(t, s.Dot([]tensor{u}, dy), s.Dot(back, v), 1e-10)
	require.NoError(t, s.Close())
}

// Each subset of the fused block's operands carries a tangent in turn.
func TestConvNormsForwardRule(t *testing.T) {
	pinned(t)
	require.NoError(t, torch.ManualSeed(3))
	s := torch.NewScope()
	normal := func(shape ...int64) tensor { return s.Normal(0.5, 1, torch.Float64(), shape...) }
	at := func() []tensor {
		return []tensor{normal(4, 2, 5, 5), normal(3, 2, 3, 3), normal(3), normal(3), normal(4, 3, 5, 5)}
	}
	x, v := at(), at()
	f := func(x []tensor) []tensor {
		n := torch.Norm{Weight: x[2], Bias: x[3]}
		return []tensor{s.ConvNorm(x[0], x[1], n, x[4], 1, 1, true, batchStats), s.BatchNorm(x[0], torch.Norm{}, batchStats)}
	}
	const eps = 1e-6
	for subset := 1; subset < 1<<len(x); subset++ {
		some, zeroed := make([]tensor, len(x)), make([]tensor, len(x))
		for i := range x {
			zeroed[i] = s.ZerosLike(x[i])
			if subset>>i&1 == 1 {
				some[i], zeroed[i] = v[i], v[i]
			}
		}
		y, dy := s.JVP(f, x, some)
		plus, minus, plain := f(s.AddScaled(x, zeroed, eps)), f(s.AddScaled(x, zeroed, -eps)), f(x)
		require.NoError(t, s.Err())
		for i := range y {
			want := torch.Slice[float64](s, s.MulScalar(s.Sub(plus[i], minus[i]), 1/(2*eps)))
			assert.InDeltaSlice(t, want, torch.Slice[float64](s, dy[i]), 1e-7, "operands %05b, result %d", subset, i)
			assert.Equal(t, torch.Slice[float64](s, plain[i]), torch.Slice[float64](s, y[i]))
		}
	}
	require.NoError(t, s.Close())
}

func TestJVPOfAConstantIsZeroAndLevelsAreReleased(t *testing.T) {
	pinned(t)
	s := torch.NewScope()
	for range 3 {
		x := vec(s, 1, 2)
		_, dy := s.JVP(func(x []tensor) []tensor { return []tensor{s.Square(x[0])} }, []tensor{x}, []tensor{{}})
		assert.Equal(t, []float64{0, 0}, torch.Slice[float64](s, dy[0]))
	}
	_, dy := s.JVP(func(x []tensor) []tensor { return []tensor{s.Add(x[0], vec(s, 1, 2, 3))} }, []tensor{vec(s, 1, 2)},
		[]tensor{vec(s, 1, 1)})
	assert.Nil(t, dy)
	require.Error(t, s.Close())
	level, err := torch.EnterDualLevel()
	require.NoError(t, err, "a failed JVP leaves no level open")
	require.NoError(t, torch.ExitDualLevel(level))
}

func TestBatchNormOfLeadingRows(t *testing.T) {
	pinned(t)
	require.NoError(t, torch.ManualSeed(2))
	s := torch.NewScope()
	o := torch.Float64()
	x, more := s.Normal(1, 2, o, 6, 3), s.Normal(0, 1, o, 4, 3)
	n := torch.Norm{Weight: s.Normal(1, 1, o, 3), Bias: s.Normal(0, 1, o, 3)}
	all := batchStats
	all.Rows = 6
	y := s.BatchNorm(s.Cat(0, x, more), n, all)
	want := torch.Slice[float64](s, s.BatchNorm(x, n, batchStats))
	assert.InDeltaSlice(t, want, torch.Slice[float64](s, s.Narrow(y, 0, 0, 6)), 1e-12,
		"the first rows are normalised as alone")
	mean, std := s.MeanDim(x, false, 0), s.Sqrt(s.AddScalar(s.VarDim(x, false, 0), 1e-5))
	rest := s.Add(s.Mul(s.Div(s.Sub(more, mean), std), n.Weight), n.Bias)
	assert.InDeltaSlice(t, torch.Slice[float64](s, rest), torch.Slice[float64](s, s.Narrow(y, 0, 6, 4)), 1e-12)
	require.NoError(t, s.Close())
}

func TestRunningStatisticsMoveOnlyWhenAsked(t *testing.T) {
	s := torch.NewScope()
	o := torch.Float64()
	x := torch.FromSlice(s, []float64{1, 3, 5, 7}, gotch.CPU, 4, 1)
	n := torch.Norm{Mean: s.Zeros(o, 1), Var: s.Full(1, o, 1), Count: torch.FromSlice(s, []int64{0}, gotch.CPU)}
	s.BatchNorm(x, n, batchStats)
	assert.Equal(t, []float64{0}, torch.Slice[float64](s, n.Mean))
	for _, rows := range []int64{0, 4} {
		update := batchStats
		update.Update, update.Rows = true, rows
		s.BatchNorm(x, n, update)
	}
	// Twice 0.9*old + 0.1*(mean 4, unbiased variance 20/3).
	assert.InDelta(t, 0.9*0.4+0.4, torch.Slice[float64](s, n.Mean)[0], 1e-12)
	v := 0.9*1 + 0.1*20/3
	assert.InDelta(t, 0.9*v+0.1*20/3, torch.Slice[float64](s, n.Var)[0], 1e-12)
	assert.Equal(t, []int64{2}, torch.Slice[int64](s, n.Count))
	require.NoError(t, s.Close())
}

func TestNormalizeOfAnyNorm(t *testing.T) {
	pinned(t)
	s := torch.NewScope()
	for _, scale := range []float32{1e-38, 1e-25, 1, 1e25, 1e37} {
		x := torch.FromSlice(s, []float32{3 * scale, 4 * scale}, gotch.CPU, 1, 2)
		assert.InDeltaSlice(t, []float32{0.6, 0.8}, torch.Slice[float32](s, s.Normalize(x)), 1e-5, "scale %g", scale)
	}
	zero := torch.FromSlice(s, []float32{0, 0}, gotch.CPU, 1, 2)
	s.SetRequiresGrad(true, zero)
	y := s.Normalize(zero)
	assert.Equal(t, []float32{0, 0}, torch.Slice[float32](s, y))
	g := s.Grad([]tensor{s.Sum(y)}, []tensor{zero}, torch.GradOptions{})
	assert.True(t, s.Finite(g[0]))
	require.NoError(t, s.Close())
}

func TestGeneratorState(t *testing.T) {
	require.NoError(t, torch.ManualSeed(7))
	state, err := torch.RNGState(gotch.CPU)
	require.NoError(t, err)
	draw := func() []float64 {
		var out []float64
		require.NoError(t, torch.With(func(s *scope) error {
			out = torch.Slice[float64](s, s.Normal(0, 1, torch.Float64(), 33))
			return nil
		}))
		return out
	}
	first, second := draw(), draw()
	assert.NotEqual(t, first, second)
	require.NoError(t, torch.SetRNGState(gotch.CPU, state))
	assert.Equal(t, first, draw())
	assert.Error(t, torch.SetRNGState(gotch.CPU, []byte{1, 2, 3}))
}

func TestGotchSharesMemory(t *testing.T) {
	s := torch.NewScope()
	before := torch.Live()
	g := ts.MustOfSlice([]float64{1, 2, 3})
	x := s.FromGotch(g)
	s.Copy(x, vec(s, 4, 5, 6))
	assert.Equal(t, []float64{4, 5, 6}, g.Float64Values())
	back := s.ToGotch(x)
	require.NoError(t, s.Close())
	assert.Equal(t, before, torch.Live())
	assert.Equal(t, []float64{4, 5, 6}, back.Float64Values(), "gotch's handle outlives the scope")
	back.MustDrop()
	g.MustDrop()
}

func TestSliceChecksTypeAndCount(t *testing.T) {
	s := torch.NewScope()
	torch.FromSlice(s, []float32{1, 2, 3}, gotch.CPU, 2, 2)
	assert.ErrorContains(t, s.Close(), "3 values for a tensor of shape [2 2]")
	torch.Slice[float32](s, vec(s, 1))
	assert.Error(t, s.Close())
}

func TestVersion(t *testing.T) {
	assert.Regexp(t, `^2\.\d+\.\d+$`, torch.Version())
	assert.Equal(t, torch.Version(), torch.LoadedVersion())
	build, err := torch.Build()
	require.NoError(t, err)
	assert.Contains(t, build, "C++ Version")
}

// step trains the small network once.
func step(s *scope, p, m, v []tensor, x tensor, i int64) {
	leaves := s.Leaves(p)
	loss := s.Mean(s.Square(convNet(s, leaves, x, batchStats)))
	s.Adam(p, s.Grad([]tensor{loss}, leaves, torch.GradOptions{}), m, v,
		torch.AdamOptions{Step: i, LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8})
}

func train(t *testing.T, steps int, each func(i int)) {
	before := torch.Live()
	model := torch.NewScope()
	p, m, v := convParams(model), convParams(model), convParams(model)
	for i, t := range v { // second moments are positive
		v[i] = model.Square(t)
	}
	x := model.Normal(0, 1, torch.Float64(), 8, 3, 16, 16)
	for i := range steps {
		s := torch.NewScope()
		step(s, p, m, v, x, int64(i+1))
		require.NoError(t, s.Close())
		if each != nil {
			each(i)
		}
	}
	require.NoError(t, model.Close())
	assert.Equal(t, before, torch.Live(), "every handle is freed")
}

func TestMemoryIsFlat(t *testing.T) {
	pinned(t)
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	var warm int64
	train(t, 1500, func(i int) {
		if i == 500 {
			debug.FreeOSMemory()
			warm = resident(t)
		}
	})
	debug.FreeOSMemory()
	assert.Less(t, resident(t)-warm, int64(2<<20), "1,000 steps after warm-up")
}

func resident(t *testing.T) int64 {
	data, err := os.ReadFile("/proc/self/statm")
	require.NoError(t, err)
	pages, err := strconv.ParseInt(strings.Fields(string(data))[1], 10, 64)
	require.NoError(t, err)
	return pages * int64(os.Getpagesize())
}

func TestErrorsFromManyGoroutines(t *testing.T) {
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for range 200 {
				s := torch.NewScope()
				x := vec(s, make([]float64, g+2)...)
				s.Add(x, vec(s, make([]float64, g+3)...))
				want := "The size of tensor a (" + strconv.Itoa(g+2) + ")"
				if err := s.Close(); assert.Error(t, err) {
					assert.Contains(t, err.Error(), want, "a goroutine sees its own error")
				}
			}
		})
	}
	wg.Wait()
}

func TestGCStress(t *testing.T) {
	pinned(t)
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	train(t, 50, func(int) { runtime.GC() })
}

func TestAdamAgreesWithTheFormula(t *testing.T) {
	s := torch.NewScope()
	p, m, v := vec(s, 1, -2), vec(s, 0, 0), vec(s, 0, 0)
	want := []float64{1, -2}
	wm, wv := make([]float64, 2), make([]float64, 2)
	for i := 1; i <= 5; i++ {
		g := []float64{0.3 * float64(i), -0.1}
		s.Adam([]tensor{p}, []tensor{vec(s, g...)}, []tensor{m}, []tensor{v},
			torch.AdamOptions{Step: int64(i), LR: 0.1, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, WeightDecay: 0.01})
		for k := range want {
			gk := g[k] + 0.01*want[k]
			wm[k] = 0.9*wm[k] + 0.1*gk
			wv[k] = 0.99*wv[k] + 0.01*gk*gk
			want[k] -= 0.1 * (wm[k] / (1 - math.Pow(0.9, float64(i)))) / (math.Sqrt(wv[k]/(1-math.Pow(0.99, float64(i)))) + 1e-8)
		}
	}
	assert.InDeltaSlice(t, want, torch.Slice[float64](s, p), 1e-12)
	require.NoError(t, s.Close())
}
