package train

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheRateFollowsTheBatch(t *testing.T) {
	c := Default()
	c.BatchSize, c.Schedule.LR, c.ScaleLR = 1024, 0.3, 256
	assert.InDelta(t, 1.2, c.Rate(), 1e-12)
	assert.InDelta(t, 1.2, c.Meta().Alpha, 1e-12)
	assert.InDelta(t, 1.2, c.schedule(10).LR, 1e-12)
}
