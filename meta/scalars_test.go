package meta_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/meta"
)

// What earlier versions have written of an epoch half done gives the epoch's means all the same.
func TestSumsOfEarlierCheckpoints(t *testing.T) {
	var p meta.Position
	require.NoError(t, json.Unmarshal([]byte(`{"epoch":3,"pass":1,"batch":2,"step":14,"meta_steps":11,"sums":{"steps":4,
		"meta":2,"l_ct":8,"l_msr":6,"l_to":14,"meta_l_ct":3,"l_ct_fast":2.5,"l_uni":-1,"norm_ct":0.5,"norm_uni":0.25,
		"gamma":4,"pictures":64,"seconds_regular":2,"seconds_meta":6,"seconds_waited":1,"lr":0.01,"embedding_std":3,
		"effective_rank":2.25},"theta_updates":14,"phi_updates":11}`), &p))
	for range 2 {
		text, err := json.Marshal(p.Sums.Epoch(p.Epoch))
		require.NoError(t, err)
		assert.Equal(t, `{"epoch":3,"lr":0.01,"l_to":3.5,"l_ct":2,"l_msr":1.5,"meta_l_ct":1.5,"meta_l_ct_fast":1.25,`+
			`"l_uni":-0.5,"grad_norm_l_ct_fast":0.25,"grad_norm_l_uni":0.125,"gamma":2,"embedding_std":0.75,`+
			`"effective_rank":2.25,"steps":4,"meta_steps":2,"images_per_second":32,"seconds_regular":2,"seconds_meta":6,`+
			`"data_wait_share":0.125}`, string(text))
		saved, err := json.Marshal(p)
		require.NoError(t, err)
		var again meta.Position
		require.NoError(t, json.Unmarshal(saved, &again))
		assert.Equal(t, p, again)
		p = again
	}
}

// Without MSR its figures are left out; the others are there, 0 as they are.
func TestFiguresWithoutMSR(t *testing.T) {
	text, err := json.Marshal(meta.Sums{}.Epoch(0))
	require.NoError(t, err)
	assert.Equal(t, `{"epoch":0,"lr":0,"l_to":0,"l_ct":0,"embedding_std":0,"effective_rank":0,"steps":0,"meta_steps":0,`+
		`"images_per_second":0,"seconds_regular":0,"seconds_meta":0,"data_wait_share":0}`, string(text))
	var e meta.Epoch
	require.NoError(t, json.Unmarshal([]byte(`{"epoch":2,"lr":0.5,"evaluation":[{"variant":"full"}],"l_ct":4}`), &e))
	assert.Equal(t, meta.Epoch{Epoch: 2, Scalars: meta.Scalars{{"lr", 0.5}, {"l_ct", 4}}}, e)
	assert.Equal(t, 4.0, e.Value("l_ct"))
	assert.Zero(t, e.Value("l_msr"))
	assert.Error(t, json.Unmarshal([]byte(`[]`), &e))
}

// The reference of metrics.jsonl has each figure, in the file's order.
func TestEachFigureIsInTheReference(t *testing.T) {
	text, err := os.ReadFile("../docs/reference/files.md")
	require.NoError(t, err)
	_, part, ok := strings.Cut(string(text), "### metrics.jsonl")
	require.True(t, ok)
	part, _, ok = strings.Cut(part, "| `evaluation` |")
	require.True(t, ok)
	var names []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(part, -1) {
		names = append(names, m[1])
	}
	assert.Equal(t, append([]string{"epoch"}, meta.EpochNames()...), names)
}

// A copy of a position keeps its sums while the original goes on.
func TestACopyOfSumsStays(t *testing.T) {
	var a meta.Sums
	a.Add("l_ct", 1)
	b := a
	a.Add("l_ct", 2)
	a.Add("l_to", 3)
	b.Add("l_uni", 4)
	assert.Equal(t, []float64{3, 3, 0}, []float64{a.Value("l_ct"), a.Value("l_to"), a.Value("l_uni")})
	assert.Equal(t, []float64{1, 0, 4}, []float64{b.Value("l_ct"), b.Value("l_to"), b.Value("l_uni")})
}
