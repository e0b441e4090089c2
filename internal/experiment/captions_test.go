package experiment

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/train"
)

func TestSettingsAreEachArms(t *testing.T) {
	c := train.Default()
	c.MSR.Lambda, c.MSR.Gamma = 1, 2
	arms := []arm{{Name: "a", config: c}, {Name: "a+MSR", config: c}, {Name: "b+MSR", config: c},
		{Name: "c+MSR", config: c}}
	for i := range arms[1:] {
		arms[1+i].config.UseMSR = true
	}
	rows := func() (out []string) {
		for _, r := range settings(arms, 3, 0) {
			if r[0] == "MSR" {
				out = append(out, r[1])
			}
		}
		return out
	}
	require.Len(t, rows(), 1, "all have the same")
	assert.True(t, strings.HasPrefix(rows()[0], "lambda 1, gamma 2, n 6"), rows())
	arms[2].config.MSR.Gamma = 7
	arms[3].config.MSR.Ablation = "ones"
	got := rows()
	require.Len(t, got, 3)
	assert.Contains(t, got[0], "a+MSR: lambda 1, gamma 2, ")
	assert.Contains(t, got[1], "b+MSR: lambda 1, gamma 7, ")
	assert.Equal(t, "c+MSR: lambda 1, n 6, embedding, no meta step, ablation ones", got[2])
	arms[2].config.Arch = "resnet50"
	assert.Equal(t, [2]string{"network", "a; a+MSR; c+MSR: resnet18, width 1; head 1024 to 64"}, settings(arms, 3, 0)[0])
}

// A page lists each arm's whole recipe.
func TestSettingsHaveEachArmsRecipe(t *testing.T) {
	one, err := train.StartFrom("moco", "imagenet")
	require.NoError(t, err)
	other, err := train.StartFrom("simclr", "imagenet-100")
	require.NoError(t, err)
	rows := map[string]bool{}
	for _, r := range settings([]arm{{Name: "moco", config: one}, {Name: "simclr", config: other}}, 1, 0) {
		rows[r[0]+": "+r[1]] = true
	}
	for _, want := range []string{
		"training: moco: 800 epochs of batch 256, sgd, rate 0.03, weight decay 0.0001, cosine, 0 steps of warm-up, " +
			"momentum 0.9",
		"training: simclr: 1000 epochs of batch 2048, lars, rate 2.4, weight decay 1e-06, cosine, 610 steps of warm-up, " +
			"momentum 0.9, micro-batches of 256",
		"loss: moco: tau 0.2, target from 0.999, queue of 65536, options: directions=1 ema=0 head_bias=0 head_last=0 " +
			"head_layers=2 head_norm=0 view_norm=2",
		"loss: simclr: tau 0.1, options: head_bias=2 head_last=1 head_layers=2 head_norm=1 view_norm=0",
		"data: moco: imagenet, 224 pixels, trained on full pictures, augmentation imagenet: blur=0.5 brightness=0.4 " +
			"contrast=0.4 crop-max=1 crop-min=0.2 flip=0.5 gray=0.2 hue=0.1 jitter=0.8 saturation=0.4 solarize=0",
	} {
		assert.True(t, rows[want], "%s\nof %v", want, rows)
	}
	assert.Equal(t, "resnet50 on imagenet, for each method's own epochs",
		networkHere([]arm{{config: one}, {config: other}}))
}

// Each table names the network of the paper's figures.
func TestTablesNameTheirNetwork(t *testing.T) {
	for want, c := range map[string]train.Config{
		"ResNet-18 on STL-10 after 2000 epochs (its Table 1)": {Data: datasets.Options{Name: "stl10"}},
		"ResNet-50 on ImageNet-100 (its Table 2)":             {Data: datasets.Options{Name: "imagenet"}, Classes: "x"},
		"ResNet-50 on ImageNet (its Table 3)":                 {Data: datasets.Options{Name: "imagenet"}},
		"":                                                    {Data: datasets.Options{Name: "shapes"}},
	} {
		assert.Equal(t, want, paperTable(c).network)
	}
	assert.Equal(t, "resnet50 on imagenet, 1 epoch",
		networkHere([]arm{{config: train.Config{Arch: "resnet50", Width: 1, Data: datasets.Options{Name: "imagenet"},
			Schedule: nets.Schedule{Epochs: 1}}}}))
}

func TestASpreadHasItsInterval(t *testing.T) {
	assert.Equal(t, "23.4", spread([]float64{23.44}, 0))
	assert.Equal(t, "23.4 (1 of 2 seeds)", spread([]float64{23.44}, 1))
	// The mean is 2, the deviation 1, and t with two degrees of freedom 4.303.
	assert.Equal(t, "2.0 ± 1.0 [-0.5, 4.5]", spread([]float64{1, 2, 3}, 0))
}

func TestMethodsWithoutNegativesAreNamed(t *testing.T) {
	assert.Empty(t, contrastText([]string{"simclr", "moco"}), "which have negatives")
	assert.Contains(t, (&Comparison{Methods: []string{"dcl", "vicreg"}}).contrastText(), "(here vicreg)")
	assert.Contains(t, (&Comparison{Methods: []string{"vicreg"}}).contrastText(), "--ablations ones runs that beside")
	assert.Empty(t, (&Comparison{Methods: []string{"vicreg"}, MSR: "off"}).contrastText())
}
