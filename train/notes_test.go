package train

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFormerNamesOfOptionsAreTold(t *testing.T) {
	c := Default()
	c.Method = "pcl"
	c.MethodConfig.Options = map[string]float64{"warm": 0, "turns": 5, "ema": 1}
	var w bytes.Buffer
	tellRenamed(&w, c)
	assert.Equal(t, "note: option turns of pcl is now called iterations\n"+
		"note: option warm of pcl is now called warmup\n", w.String())
}
