package nets

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestHuggingFacesNamesOfResNets(t *testing.T) {
	const many = "encoder.stages.99999999999999999999.layers.0.layer.0.x.weight"
	for name, want := range map[string]string{
		"embedder.embedder.convolution.weight":                          "conv1.weight",
		"embedder.embedder.normalization.running_var":                   "bn1.running_var",
		"encoder.stages.0.layers.2.layer.1.convolution.weight":          "layer1.2.conv2.weight",
		"encoder.stages.3.layers.0.layer.2.normalization.bias":          "layer4.0.bn3.bias",
		"encoder.stages.1.layers.0.shortcut.convolution.weight":         "layer2.0.downsample.0.weight",
		"encoder.stages.1.layers.0.shortcut.normalization.running_mean": "layer2.0.downsample.1.running_mean",
		many:                  many,
		"classifier.1.weight": "classifier.1.weight",
	} {
		assert.Equal(t, want, fromTransformers(name), name)
	}
}
