package train

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// On drawn pictures with correlation c the classifier of backgrounds reaches c + (1-c)/12 + (1-c)/60.
func TestTheBoundOfBackgroundsAlone(t *testing.T) {
	for correlation, want := range map[float64]float64{0.3: 0.370, 0.5: 0.550, 0.9: 0.910} {
		c := Default()
		c.Data.Correlation, c.Data.Count = correlation, 5000
		p, err := c.backgroundParts()
		require.NoError(t, err)
		assert.InDelta(t, want, backgroundOnly(p), 0.03, "correlation %g, of 2000 pictures", correlation)
	}
	c := Default()
	c.Data.Name, c.Data.Dir = "coco", t.TempDir()
	assert.Error(t, c.CheckBackground())
}
