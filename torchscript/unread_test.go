package torchscript_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/torchscript"
)

// small is the network of testdata/make_unread.py.
func small() (out []torchscript.Wanted) {
	for _, name := range []string{"conv1", "layer1.0.conv1", "layer1.0.conv2"} {
		in := int64(4)
		if name == "conv1" {
			in = 3
		}
		out = append(out, torchscript.Wanted{Name: name + ".weight", Shape: []int64{4, in, 3, 3}})
	}
	for _, name := range []string{"bn1", "layer1.0.bn1", "layer1.0.bn2"} {
		for _, part := range []string{"weight", "bias", "running_mean", "running_var"} {
			out = append(out, torchscript.Wanted{Name: name + "." + part, Shape: []int64{4}})
		}
		counter := torchscript.Wanted{Name: name + ".num_batches_tracked", Shape: []int64{}, Integer: true, Counter: true}
		out = append(out, counter)
	}
	return out
}

// The error of numbers that are not read says what they are, and what makes them readable.
func TestNumbersThatAreNotRead(t *testing.T) {
	dir := unpack(t, "testdata/unread.tar.gz")
	for file, want := range map[string]string{
		"fp8.pt": "conv1.weight: 8-bit floating-point numbers (float8_e4m3fn, fp8) are not read here: " +
			"in Python write {k: v.float()",
		"fp8.safetensors": "8-bit floating-point numbers (F8_E4M3, fp8) are not read here: " +
			"in Python write {k: v.float()",
		"uint16.safetensors": "numbers of type U16 are not read here",
		"quantised.pt": "conv1.weight: the tensor is quantised (torch._utils._rebuild_qtensor), " +
			"which is not read here; take the checkpoint from before quantisation",
		"sparse.pt": "conv1.weight: the tensor is sparse (torch._utils._rebuild_sparse_tensor), " +
			"which is not read here; in Python write v.to_dense()",
		"dtensor.pt": "conv1.weight: the tensor is a DTensor, of which each rank has a part " +
			"(torch._utils._rebuild_wrapper_subclass), which is not read here; in Python write v.full_tensor()",
		"complex.pt": "numbers of torch.ComplexFloatStorage are not known here",
	} {
		w := open(t, filepath.Join(dir, file))
		l, err := torchscript.Recognise(w, "")
		require.NoError(t, err, file)
		_, err = torchscript.Compare(w, l, small())
		assert.ErrorContains(t, err, want, file)
		_, err = torchscript.Anatomy(w, l)
		assert.Error(t, err, file)
	}
	_, err := torchscript.Recognise(open(t, filepath.Join(dir, "flat.pt")), "")
	assert.ErrorContains(t, err, "these are FSDP's flat parameters of one rank; in Python save the full state dict")
	w := open(t, filepath.Join(dir, "pruned.pt"))
	l, err := torchscript.Recognise(w, "")
	require.NoError(t, err)
	m, err := torchscript.Compare(w, l, small())
	require.NoError(t, err)
	assert.Equal(t, []string{"conv1.weight"}, m.Missing)
	assert.Equal(t, []string{"conv1.weight_orig", "conv1.weight_mask"}, m.Unexpected)
	is, err := torchscript.Anatomy(w, l)
	require.NoError(t, err)
	assert.Equal(t, "ResNet-4 (basic blocks 1) with a stem of other names, pruned weights: "+
		"torch.nn.utils.prune.remove(module, name) makes them plain", is.String())
}

// Wrappers are removed from a name, wherever they are.
func TestWrappersInNames(t *testing.T) {
	dir := unpack(t, "testdata/unread.tar.gz")
	for file, layout := range map[string]string{
		"wrapped.pt": `torchvision or timm, from DataParallel (in "state_dict", names after "module.")`,
		"fsdp.pt":    "torchvision or timm",
	} {
		w := open(t, filepath.Join(dir, file))
		l, err := torchscript.Recognise(w, "")
		require.NoError(t, err, file)
		assert.Equal(t, layout, l.String())
		m, err := torchscript.Compare(w, l, small())
		require.NoError(t, err, file)
		assert.Empty(t, m.Missing, file)
		assert.Empty(t, m.Unexpected, file)
		assert.Empty(t, m.Ignored, file)
		assert.Len(t, m.Found, len(small()), file)
	}
}

// The error of a folder, or of another file than one of weights, names what to take.
func TestWhatIsNoFileOfWeights(t *testing.T) {
	for want, names := range map[string][]string{
		"a distributed checkpoint of PyTorch: make one file of it by python -m " +
			"torch.distributed.checkpoint.format_utils dcp_to_torch DIR one.pt, and give one.pt": {
			".metadata", "__0_0.distcp",
		},
		"a folder of Hugging Face: give DIR/model.safetensors": {
			"config.json", "model.safetensors", "pytorch_model.bin",
		},
		"a folder of Hugging Face: give DIR/pytorch_model.bin": {
			"config.json", "pytorch_model.bin",
		},
		`s.load_file(f).items()}, "one.safetensors"), and give one.safetensors`: {
			"model.safetensors.index.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
		},
		"a folder of DeepSpeed: make a state dict of it by python DIR/zero_to_fp32.py DIR one, and give what it writes": {
			"zero_to_fp32.py", "latest",
		},
		"a folder of TensorFlow":                       {"checkpoint", "model.ckpt-1.index"},
		"a folder: give DIR/a.pth":                     {"a.pth", "log.txt"},
		"a folder: give one of DIR/a.pth, DIR/b.CKPT":  {"a.pth", "b.CKPT"},
		"a folder: give one of its files, as DIR/a.pt": {"a.pt", "b.pt", "c.pt", "d.pt"},
		"a folder without a file of weights":           {"log.txt"},
	} {
		dir := t.TempDir()
		for _, n := range names {
			require.NoError(t, os.WriteFile(filepath.Join(dir, n), nil, 0o600))
		}
		_, err := torchscript.OpenWeights(dir)
		assert.ErrorContains(t, err, strings.ReplaceAll(want, "DIR", dir))
	}
	path := filepath.Join(t.TempDir(), "x.pth")
	for text, want := range map[string]string{
		"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n": "a pointer of Git LFS in place of the file",
		"\n<!DOCTYPE html><html></html>":                                      "a web page",
		"{\n  \"metadata\": {\"total_size\": 9},\n  \"weight_map\": {}\n}":    "the index of weights in several files",
		"{\"architectures\": [\"ResNetModel\"], \"depths\": [3, 4, 6, 3]}":    "a JSON text: the weights are in",
		"\x1f\x8b\x08\x00\x00\x00\x00\x00":                                    "a file packed by gzip",
		"GGUF\x03\x00\x00\x00":                                                "a GGUF file",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := torchscript.OpenWeights(path)
		assert.ErrorContains(t, err, want)
	}
}
