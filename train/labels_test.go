package train

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
)

func TestListsOfTheLabels(t *testing.T) {
	assert.Equal(t, labelList{"a/1percent.txt", 60}, parseLabelList("a/1percent.txt:60"))
	for _, text := range []string{"1percent.txt", "a:b", ":60", "a:0", "a:-1"} {
		assert.Equal(t, labelList{path: text}, parseLabelList(text))
	}
	odd := filepath.Join(t.TempDir(), "list:60")
	require.NoError(t, os.WriteFile(odd, nil, 0o600))
	assert.Equal(t, labelList{path: odd}, parseLabelList(odd), "a file of that name")
}

// SimCLR (arXiv 2002.05709) fine-tunes for 60 epochs with 1 % of the labels, and for 30 with 10 %. A share's own epochs
// come first, then DefaultEpochs, then SimCLR's.
func TestEpochsOfEachShare(t *testing.T) {
	c := Default()
	c.Data.Count = 1000
	train, err := c.Open(true)
	require.NoError(t, err)
	defer datasets.Close(train)
	epochs := func(o FineTuneOptions) (out []int) {
		parts, err := o.parts(train)
		require.NoError(t, err)
		for _, q := range parts {
			out = append(out, q.epochs)
			assert.Equal(t, "drawn, seed 3", q.split)
		}
		return out
	}
	o := DefaultFineTune()
	o.SplitSeed = 3
	assert.Equal(t, []int{60, 30}, epochs(o))
	o.Shares[1].Epochs = 7
	assert.Equal(t, []int{60, 7}, epochs(o))
	o.DefaultEpochs = 2
	assert.Equal(t, []int{2, 7}, epochs(o))
}
