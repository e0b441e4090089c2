package torch_test

import (
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/ranktest"
	"github.com/icl-msr/icl-msr/torch"
)

// job is a small network with batch norms, and a loss of all embeddings: on one
// process with all rows, or on this rank's rows of a group.
type job struct {
	g      *torch.Group
	x      tensor // rows of this process
	m      torch.NormMode
	rows   int64 // of a process's rows: those whose statistics count; 0: all
	buffer []tensor
}

func newJob(s *scope, g *torch.Group, all tensor) job {
	n := s.Size(all, 0) / int64(g.Size())
	j := job{g: g, x: s.Narrow(all, 0, int64(g.Rank())*n, n), m: torch.NormMode{Batch: true, Update: true, Momentum: 0.1,
		Eps: 1e-5, Group: g}}
	o := torch.Float64()
	j.buffer = []tensor{s.Zeros(o, 4), s.Full(1, o, 4), s.Zeros(o, 5), s.Full(1, o, 5)}
	return j
}

func weights(s *scope) []tensor {
	o := torch.Float64()
	return []tensor{s.Normal(0, 0.5, o, 4, 3, 3, 3), s.Normal(1, 0.1, o, 4), s.Normal(0, 0.1, o, 4),
		s.Normal(0, 0.5, o, 5, 4), s.Normal(1, 0.1, o, 5), s.Normal(0, 0.1, o, 5)}
}

// embeddings are common: the rows of all ranks.
func (j job) embeddings(s *scope, theta []tensor) tensor {
	p := s.Share(j.g, theta, false)
	m := j.m
	m.Rows = j.rows
	h := s.ConvNorm(j.x, p[0], torch.Norm{Weight: p[1], Bias: p[2], Mean: j.buffer[0], Var: j.buffer[1]}, tensor{}, 1, 1,
		false, m)
	z := s.Linear(s.MeanDim(s.Tanh(h), false, 2, 3), p[3], tensor{})
	return s.AllGather(j.g, s.Tanh(s.BatchNorm(z, torch.Norm{Weight: p[4], Bias: p[5], Mean: j.buffer[2],
		Var: j.buffer[3]}, m)))
}

// loss compares every row with every other, and parameters join it directly.
func (j job) loss(s *scope, theta []tensor) tensor {
	z := j.embeddings(s, theta)
	return s.Add(s.Mean(s.LogSumExp(s.MatMul(z, s.T(z)), false, 1)), s.Mean(s.Square(theta[3])))
}

func near(t *testing.T, s *scope, want, got []tensor, what string) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		assert.InDeltaSlice(t, torch.Slice[float64](s, want[i]), torch.Slice[float64](s, got[i]), 1e-11, "%s %d", what, i)
	}
	require.NoError(t, s.Err())
}

// A loss of all ranks' rows has the value, the gradient, the gradient of the
// gradient and the derivative along a direction that it has on one process.
func TestDerivativesAcrossRanksAreThoseOfOneProcess(t *testing.T) {
	ranktest.Run(t, []int{2, 4}, func(t *testing.T, g *torch.Group) {
		require.NoError(t, torch.ManualSeed(7))
		s := torch.NewScope()
		x := s.Normal(0.3, 1, torch.Float64(), 8, 3, 5, 5)
		theta, v := weights(s), weights(s)
		one, many := newJob(s, nil, x), newJob(s, g, x)

		a, b := s.Leaves(theta), s.Leaves(theta)
		la, lb := one.loss(s, a), many.loss(s, b)
		near(t, s, []tensor{la}, []tensor{lb}, "loss")
		ga := s.Grad([]tensor{la}, a, torch.GradOptions{})
		gb := s.Grad([]tensor{lb}, b, torch.GradOptions{})
		near(t, s, ga, gb, "gradient")
		near(t, s, one.buffer, many.buffer, "running statistics")

		one.m.Update, many.m.Update = false, false
		twice := func(j job, theta []tensor) []tensor {
			g1 := s.Grad([]tensor{j.loss(s, theta)}, theta, torch.GradOptions{CreateGraph: true})
			fast := s.AddScaled(theta, g1, -0.7)
			return s.Grad([]tensor{j.loss(s, fast)}, theta, torch.GradOptions{})
		}
		near(t, s, twice(one, a), twice(many, b), "second-order gradient")

		along := func(j job) (y, dy []tensor) {
			return s.JVP(func(theta []tensor) []tensor { return []tensor{j.embeddings(s, theta)} }, theta, v)
		}
		ya, da := along(one)
		yb, db := along(many)
		near(t, s, ya, yb, "embeddings")
		near(t, s, da, db, "tangents")
		require.NoError(t, s.Close())
	})
}

// Statistics of the leading rows only, as feature space needs them: what leads
// on one process are the leading rows of each rank.
func TestLeadingStatisticsAcrossRanks(t *testing.T) {
	ranktest.Run(t, []int{2}, func(t *testing.T, g *torch.Group) {
		require.NoError(t, torch.ManualSeed(8))
		s := torch.NewScope()
		x := s.Normal(0.3, 1, torch.Float64(), 8, 3, 5, 5)
		theta := weights(s)
		many := newJob(s, g, x)
		many.rows = 3
		var order []tensor // ranks' leading rows first
		for _, at := range []int64{0, 4, 3, 7} {
			n := int64(3)
			if at%4 == 3 {
				n = 1
			}
			order = append(order, s.Narrow(x, 0, at, n))
		}
		one := newJob(s, nil, s.Cat(0, order...))
		one.rows = 6
		a, b := s.Leaves(theta), s.Leaves(theta)
		la, lb := one.loss(s, a), many.loss(s, b)
		near(t, s, []tensor{la}, []tensor{lb}, "loss")
		near(t, s, s.Grad([]tensor{la}, a, torch.GradOptions{}), s.Grad([]tensor{lb}, b, torch.GradOptions{}), "gradient")
		near(t, s, one.buffer, many.buffer, "running statistics")
		require.NoError(t, s.Close())
	})
}

// The bugs of others: a gather whose backward forgets rows, gradients off by
// the number of ranks, sums that are read before they are done.
func TestCollectivesByHand(t *testing.T) {
	ranktest.Run(t, []int{2, 4}, func(t *testing.T, g *torch.Group) {
		s := torch.NewScope()
		r, n := float64(g.Rank()), g.Size()
		x := vec(s, r, 10+r)
		s.SetRequiresGrad(true, x)
		all := s.AllGather(g, x)
		var want, squares []float64
		for k := range n {
			want = append(want, float64(k), float64(10+k))
		}
		assert.Equal(t, want, torch.Slice[float64](s, all))
		for _, v := range s.Grad([]tensor{s.Sum(s.Square(all))}, []tensor{x}, torch.GradOptions{}) {
			squares = append(squares, torch.Slice[float64](s, v)...)
		}
		assert.Equal(t, []float64{2 * r, 2 * (10 + r)}, squares, "each row once, on its own rank")

		parts := s.AllGatherParts(g, vec(s, r, r+0.5, 10+r, 10.5+r), 2)
		got := torch.Slice[float64](s, parts)
		assert.Equal(t, []float64{0, 0.5, 1, 1.5}, got[:4], "part by part")
		assert.Equal(t, 10.0, got[2*n])

		// w is common; rank r uses it r+1 times: the gradient is the sum of all.
		for _, overlap := range []bool{false, true} {
			w := []tensor{vec(s, 1, 2), vec(s, 3)}
			s.SetRequiresGrad(true, w...)
			p := s.Share(g, w, overlap)
			loss := s.AllReduce(g, s.MulScalar(s.Add(s.Sum(p[0]), s.Sum(s.Square(p[1]))), r+1))
			uses := float64(n*(n+1)) / 2
			assert.Equal(t, (3+9)*uses, s.Item(loss))
			d := s.Grad([]tensor{loss}, w, torch.GradOptions{})
			assert.Equal(t, []float64{uses, uses}, torch.Slice[float64](s, d[0]))
			assert.Equal(t, []float64{6 * uses}, torch.Slice[float64](s, d[1]))
		}
		b := vec(s, r, r)
		s.Broadcast(g, []tensor{b}, n-1)
		assert.Equal(t, []float64{float64(n - 1), float64(n - 1)}, torch.Slice[float64](s, b))
		ints, err := g.GatherInts(gotch.CPU, int64(7*g.Rank()))
		require.NoError(t, err)
		assert.Equal(t, int64(7*(n-1)), ints[n-1])
		assert.Positive(t, g.Traffic().Bytes)
		require.NoError(t, s.Close())
	})
}

func TestOneProcessIsNoGroup(t *testing.T) {
	s := torch.NewScope()
	var g *torch.Group
	x := vec(s, 1, 2)
	assert.Equal(t, x, s.AllGather(g, x), "the tensor itself")
	assert.Equal(t, x, s.AllReduce(g, x))
	assert.Equal(t, []tensor{x}, s.Share(g, []tensor{x}, true))
	assert.Equal(t, 1, g.Size())
	require.NoError(t, g.Barrier())
	require.NoError(t, s.Close())
}

// The store listens on the address it was given and on no other.
func TestStore(t *testing.T) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	a, err := torch.Serve(l, 5*time.Second)
	require.NoError(t, err)
	defer a.Close()
	b, err := torch.Connect("127.0.0.1", port, 5*time.Second)
	require.NoError(t, err)
	defer b.Close()
	require.NoError(t, a.Set("k", []byte("value")))
	v, err := b.Get("k", time.Second)
	require.NoError(t, err)
	assert.Equal(t, "value", string(v))
	p, err := b.Prefixed("k")
	require.NoError(t, err)
	defer p.Close()
	n, err := p.Add("count", 2)
	require.NoError(t, err)
	assert.Equal(t, int64(2), n)
	has, err := a.Has("k/count")
	require.NoError(t, err)
	assert.True(t, has)
	start := time.Now()
	_, err = b.Get("missing", 100*time.Millisecond)
	assert.Error(t, err)
	assert.Less(t, time.Since(start), 3*time.Second)
	other, err := net.Listen("tcp", net.JoinHostPort("127.0.0.2", strconv.Itoa(port)))
	require.NoError(t, err, "the same port of another address is free")
	other.Close()
	_, err = torch.Connect("127.0.0.3", port, 300*time.Millisecond)
	assert.Error(t, err)
}
