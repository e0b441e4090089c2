package torchscript

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/icl-msr/icl-msr/nets"
)

func resNets() nets.Family {
	f, _ := nets.FamilyOf("resnet18")
	return f
}

func TestNamesWithoutWrappers(t *testing.T) {
	for name, want := range map[string]string{
		"":                                  "",
		"layer1.0.conv1.weight":             "layer1.0.conv1.weight",
		"_orig_mod.conv1.weight":            "conv1.weight",
		"layer1.0._orig_mod.conv1.weight":   "layer1.0.conv1.weight",
		"module.encoder_q.conv1.weight":     "module.encoder_q.conv1.weight", // part of the prefix, which is shown
		"model.module.layer1.0.bn1.bias":    "model.module.layer1.0.bn1.bias",
		"layer1.module.0.module.bn1.bias":   "layer1.0.bn1.bias",
		"backbone.0.module.weight":          "backbone.0.weight",
		"conv1.module.weight":               "conv1.weight",
		"my_module.conv1.weight":            "my_module.conv1.weight",
		"layer1.0.my_orig_mod.conv1.weight": "layer1.0.my_orig_mod.conv1.weight",
		"_fsdp_wrapped_module.layer2._checkpoint_wrapped_module.1._fsdp_wrapped_module.conv2.weight": "layer2.1.conv2.weight",
	} {
		assert.Equal(t, want, unwrapped(name, resNets()), name)
	}
}

func FuzzNames(f *testing.F) {
	f.Add("_orig_mod.layer1.module.0.module.conv1.weight")
	f.Add("encoder.stages.1.layers.0.shortcut.convolution.weight")
	f.Fuzz(func(t *testing.T, name string) {
		plain := unwrapped(name, resNets())
		if again := unwrapped(plain, resNets()); again != plain {
			t.Fatalf("%q, then %q", plain, again)
		}
		for _, conv := range []int64{0, 1, 4} {
			w := &Weights{Groups: []Group{{Tensors: []Stored{
				{Name: name, Shape: []int64{conv, conv, 3, 3}},
				{Name: "layer1.0.conv1.weight", Shape: []int64{conv, conv, 1, 1}},
				{Name: "layer1.0.conv2.weight", Shape: []int64{conv, 3, 1, 1}},
			}}}}
			if l, err := Recognise(w, ""); err == nil {
				if is, err := Anatomy(w, l); err == nil {
					_ = is.Describe()
				}
			}
		}
	})
}
