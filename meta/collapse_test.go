package meta

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

// rank and spread are the figures of embeddings z as an epoch tells them.
func rank(t *testing.T, s *torch.Scope, z torch.Tensor) float64 {
	r, err := effectiveRank(torch.Slice[float64](s, covariance(s, z)))
	require.NoError(t, err)
	return r
}

func spread(s *torch.Scope, z torch.Tensor) float64 {
	return s.Item(deviation(s, z)) * math.Sqrt(float64(s.Size(z, 1)))
}

func TestCollapseIsSeen(t *testing.T) {
	s := torch.NewScope()
	z := torch.FromSlice(s, []float64{1, 0, 0, 1, -1, 0, 0, -1}, gotch.CPU, 4, 2) // on the circle, evenly
	assert.InDelta(t, 2, rank(t, s, z), 1e-9)
	assert.InDelta(t, 1, spread(s, z), 1e-9)
	line := torch.FromSlice(s, []float64{1, 1, 2, 2, -1, -1, 3, 3}, gotch.CPU, 4, 2)
	assert.InDelta(t, 1, rank(t, s, line), 1e-6)
	point := torch.FromSlice(s, []float64{1, 2, 2, 4, 3, 6}, gotch.CPU, 3, 2) // one direction
	assert.InDelta(t, 0, spread(s, point), 1e-9)
	require.NoError(t, s.Close())
}
