package experiment

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/train"
)

func TestLooksAreAtEvenNumbersOfPairs(t *testing.T) {
	assert.Equal(t, []int{4, 6, 8, 10}, looks(10))
	assert.Equal(t, []int{4, 6, 7}, looks(7))
	assert.Equal(t, []int{4}, looks(4))
	assert.Empty(t, looks(3))
}

func TestTheSequentialRule(t *testing.T) {
	method := []float64{40, 42, 38, 41, 39, 40}
	shift := func(by ...float64) (out []float64) {
		for i, v := range by {
			out = append(out, method[i]+v)
		}
		return out
	}
	assert.Equal(t, undecided, decide(method, shift(-20, -21, -19), 10), "before the first look")
	assert.Equal(t, differs, decide(method, shift(-20, -21, -19, -20), 10))
	assert.Equal(t, equivalent, decide(method, shift(0.1, -0.1, 0, 0.05), 10))
	assert.Equal(t, undecided, decide(method, shift(3, -3, 1, -2), 10))
	assert.Equal(t, undecided, decide(method, shift(3, -3, 1, -2, 30), 10), "five pairs are no look")
	// An interval at 95 % would exclude 0. The interval of the rule, at 98.75 %, does not.
	d := shift(2, 3, 5, 1.2)
	assert.Equal(t, differs, decide(method, d, 4))
	assert.Equal(t, undecided, decide(method, d, 10))
	// A decision stays, whatever pairs come later.
	assert.Equal(t, differs, decide(method, shift(-20, -21, -19, -20, 30, 40), 10))
}

func TestBackgroundArmsHaveOneThingEach(t *testing.T) {
	c := train.Default()
	c.Intervene.Numbers = map[string]float64{"p": 0.5, "k": 3}
	c.Data.Count = 20
	arms, err := backgroundArms(c, BackgroundArms())
	require.NoError(t, err)
	var names []string
	for _, a := range arms {
		names = append(names, a.Name)
		o := a.config.Intervene
		switch a.Name {
		case "swap", "oracle":
			assert.Equal(t, []string{"swap"}, o.Names)
			assert.Equal(t, map[string]float64{"p": 0.5}, o.Numbers)
			assert.Equal(t, a.Name == "oracle", o.Masks == "known")
			assert.False(t, a.config.UseMSR)
		case "negatives":
			assert.Equal(t, []string{"negatives"}, o.Names)
		case "strata":
			assert.Equal(t, map[string]float64{"k": 3}, o.Numbers)
		default:
			assert.Empty(t, o.Names)
			assert.Empty(t, o.Numbers)
			assert.Equal(t, a.Name != "simclr", a.config.UseMSR)
		}
	}
	want := []string{"simclr", "ones", "msr", "msr-balanced", "frozen", "swap", "strata", "negatives", "oracle"}
	assert.Equal(t, want, names)
	_, err = backgroundArms(c, []string{"swop"})
	assert.ErrorContains(t, err, `did you mean "swap"`)
	_, err = backgroundArms(c, []string{"swap", "swap"})
	assert.ErrorContains(t, err, "twice")
}
