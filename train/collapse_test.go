package train

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
)

// A run that learns nothing gets one note.
func TestCollapseIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		config methods.Config
		loss   float64
	}{
		"simclr":  {methods.Config{Temperature: 0.5, Hidden: 8, Dim: 4}, math.Log(2*16 - 1)},
		"moco":    {methods.Config{Temperature: 0.5, Hidden: 8, Dim: 4, Queue: 64}, math.Log(65)},
		"infomin": {methods.Config{Temperature: 0.5, Hidden: 8, Dim: 4, Queue: 64}, math.Log(65)},
		"swav":    {methods.Config{Temperature: 0.5, Hidden: 8, Dim: 4, Prototypes: []int64{3000}}, math.Log(3000)},
	} {
		m, err := methods.New(name, c.config)
		require.NoError(t, err)
		var told collapse
		fine := epochOf(c.loss-0.1, 0.9, 0)
		assert.NoError(t, told.note(m, 16, fine), name)
		stuck := epochOf(c.loss+1e-5, 0.9, 0)
		assert.ErrorContains(t, told.note(m, 16, stuck), "learned nothing", name)
		assert.NoError(t, told.note(m, 16, stuck), "%s: once", name)
		assert.ErrorContains(t, told.note(m, 16, epochOf(0, 1e-4, 1)), "have collapsed", name)
	}
	m, err := methods.New("pcl", methods.Config{Temperature: 0.5, Hidden: 8, Dim: 4, Queue: 64, Pictures: 100,
		Prototypes: []int64{5}})
	require.NoError(t, err)
	var told collapse
	assert.NoError(t, told.note(m, 16, epochOf(math.Log(65), 0.9, 0)), "another loss than moco's")
}

func epochOf(loss, std, rank float64) meta.Epoch {
	return meta.Epoch{Scalars: meta.Scalars{
		{Name: "l_ct", Value: loss},
		{Name: "embedding_std", Value: std},
		{Name: "effective_rank", Value: rank},
	}}
}
