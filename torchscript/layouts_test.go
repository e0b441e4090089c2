package torchscript_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/torchscript"
)

// layouts unpacks the checkpoints of testdata/make_layouts.py.
func layouts(t *testing.T) string { return unpack(t, "testdata/layouts.tar.gz") }

func unpack(t *testing.T, archive string) string {
	dir := t.TempDir()
	f, err := os.Open(archive)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, h.Name), data, 0o600))
	}
}

// wanted are the tensors of the network in all layouts: a ResNet of two stages of one block, without its classifier.
func wanted() []torchscript.Wanted {
	var out []torchscript.Wanted
	conv := func(name string, shape ...int64) {
		out = append(out, torchscript.Wanted{Name: name + ".weight", Shape: shape})
	}
	norm := func(name string, n int64) {
		for _, part := range []string{"weight", "bias", "running_mean", "running_var"} {
			out = append(out, torchscript.Wanted{Name: name + "." + part, Shape: []int64{n}})
		}
		counter := torchscript.Wanted{Name: name + ".num_batches_tracked", Shape: []int64{}, Integer: true, Counter: true}
		out = append(out, counter)
	}
	conv("conv1", 64, 3, 7, 7)
	norm("bn1", 64)
	for layer, in := range map[string]int64{"layer1.0.": 64, "layer2.0.": 64} {
		n := int64(64)
		if layer == "layer2.0." {
			n = 128
			conv(layer+"downsample.0", n, in, 1, 1)
			norm(layer+"downsample.1", n)
		}
		conv(layer+"conv1", n, in, 3, 3)
		norm(layer+"bn1", n)
		conv(layer+"conv2", n, n, 3, 3)
		norm(layer+"bn2", n)
	}
	return out
}

func TestLayoutsOfOtherPrograms(t *testing.T) {
	dir := layouts(t)
	for file, want := range map[string]struct{ layout, ignored string }{
		"torchvision": {"torchvision or timm", "fc 2"},
		"timm_dataparallel": {
			`torchvision or timm, from DataParallel (in "state_dict", names after "module.")`, "module.fc 2",
		},
		"moco_v2": {
			`MoCo v1 or v2 (in "state_dict", names after "module.encoder_q.")`,
			"module.encoder_k 40, module.encoder_q.fc 4, module.queue 1, module.queue_ptr 1",
		},
		"moco_v3": {
			`MoCo v3 (in "state_dict", names after "module.base_encoder.")`,
			"module.base_encoder.fc 6, module.momentum_encoder 42, module.predictor 4",
		},
		"simsiam": {
			`SimSiam (in "state_dict", names after "module.encoder.")`, "module.encoder.fc 6, module.predictor 4",
		},
		"simclr_sthalles":   {`SimCLR (in "state_dict", names after "backbone.")`, "backbone.fc 4"},
		"simclr_convnet":    {`SimCLR (in "state_dict", names after "convnet.")`, "projection 4"},
		"simclr_leftthomas": {`SimCLR (names after "f.", numbered as an nn.Sequential)`, "g 4"},
		"byol_lucidrains": {
			`BYOL of lucidrains (names after "online_encoder.net.")`,
			"net 36, online_encoder 4, online_predictor 4, target_encoder 40",
		},
		"byol_sthalles": {
			`BYOL (in "online_network_state_dict", names after "encoder.", numbered as an nn.Sequential)`, "projetion 4",
		},
		"swav": {
			`SwAV (in "state_dict", names after "module.")`, "module.projection_head 4, module.prototypes 1",
		},
		"dino": {`DINO, the teacher (in "teacher", names after "backbone.")`, "head 4"},
		"barlow_twins": {
			`Barlow Twins or VICReg (in "model", names after "module.backbone.")`, "module.bn 5, module.projector 4",
		},
		"solo_learn": {
			`solo-learn (in "state_dict", names after "backbone.")`, "classifier 2, momentum_backbone 36, projector 4",
		},
		"lightly": {
			`lightly (in "state_dict", names after "backbone.", numbered as an nn.Sequential)`, "projection_head 4",
		},
		"lightly_generator": {
			`lightly (in "state_dict", names after "backbone.", numbered as an nn.Sequential)`, "projection_head 4",
		},
		"htdt":          {`htdt/self-supervised (names after "model.module.")`, "head 4"},
		"htdt_train":    {`torchvision or timm, from DataParallel (in "model", names after "module.")`, ""},
		"vissl":         {`VISSL (in "classy_state_dict.base_model.model.trunk", names after "_feature_blocks.")`, ""},
		"pytorch_cifar": {`torchvision or timm, from DataParallel (in "net", names after "module.")`, "module.linear 2"},
	} {
		w := open(t, filepath.Join(dir, file+".pt"))
		l, err := torchscript.Recognise(w, "")
		require.NoError(t, err, file)
		assert.Equal(t, want.layout, l.String(), file)
		m, err := torchscript.Compare(w, l, wanted())
		require.NoError(t, err, file)
		assert.Empty(t, m.Missing, file)
		assert.Empty(t, m.WrongShape, file)
		assert.Empty(t, m.Unexpected, file)
		assert.Len(t, m.Found, 36, file)
		var ignored []string
		for _, i := range m.Ignored {
			ignored = append(ignored, i.String())
		}
		assert.Equal(t, want.ignored, strings.Join(ignored, ", "), file)
	}
}

func TestAPrefixChooses(t *testing.T) {
	dir := layouts(t)
	w := open(t, filepath.Join(dir, "two_networks.pt"))
	_, err := torchscript.Recognise(w, "")
	assert.ErrorContains(t, err, `several networks: "left" and "right"`)
	l, err := torchscript.Recognise(w, "right")
	require.NoError(t, err)
	assert.Equal(t, `a ResNet (names after "right.")`, l.String())
	w = open(t, filepath.Join(dir, "dino.pt"))
	l, err = torchscript.Recognise(w, "student.module.backbone.")
	require.NoError(t, err)
	assert.Equal(t, `DINO, the student (in "student", names after "module.backbone.")`, l.String())
	_, err = torchscript.Recognise(w, "nothing")
	assert.ErrorContains(t, err, `no ResNet in it under "nothing"`)
	_, err = torchscript.Recognise(open(t, filepath.Join(dir, "no_resnet.pt")), "")
	assert.ErrorContains(t, err, "its names begin with features, head")
}

func TestWhatDoesNotFitIsNamed(t *testing.T) {
	w := open(t, filepath.Join(layouts(t), "torchvision.pt"))
	l, err := torchscript.Recognise(w, "")
	require.NoError(t, err)
	want := append(wanted()[1:],
		torchscript.Wanted{Name: "conv1.weight", Shape: []int64{64, 3, 3, 3}},
		torchscript.Wanted{Name: "layer9.0.bn1.num_batches_tracked", Counter: true},
		torchscript.Wanted{Name: "layer9.0.bn1.weight", Shape: []int64{64}})
	var less []torchscript.Wanted
	for _, x := range want {
		if !strings.HasPrefix(x.Name, "layer2.0.conv2") {
			less = append(less, x)
		}
	}
	m, err := torchscript.Compare(w, l, less)
	require.NoError(t, err)
	assert.Equal(t, []string{"layer9.0.bn1.weight"}, m.Missing, "a counter may be absent")
	assert.Equal(t, []string{"conv1.weight is [64 3 7 7] in the file, [64 3 3 3] here"}, m.WrongShape)
	assert.Equal(t, []string{"layer2.0.conv2.weight"}, m.Unexpected)
	less[0].Integer = true
	m, err = torchscript.Compare(w, l, less)
	require.NoError(t, err)
	assert.Contains(t, m.WrongShape, less[0].Name+" is F32 in the file")
	foreign := open(t, "testdata/foreign.pt")
	foreign.Groups[0].Tensors = w.Groups[0].Tensors
	_, err = torchscript.Recognise(foreign, "")
	assert.ErrorContains(t, err, "names argparse.Namespace, which is not allowed")
}
