package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torchscript"
)

// foreign writes the state dict of a ResNet. change returns the name and shape of each tensor; an empty name leaves it
// out.
func foreign(
	t *testing.T, c nets.ResNetConfig, change func(name string, shape []int64) (string, []int64),
	more ...torchscript.Tensor,
) string {
	r, err := nets.NewResNet(c)
	require.NoError(t, err)
	out := more
	add := func(name string, shape []int64, dtype string) {
		if change != nil {
			if name, shape = change(name, append([]int64{}, shape...)); name == "" {
				return
			}
		}
		n := int64(4)
		if dtype == "I64" {
			n = 8
		}
		for _, d := range shape {
			n *= d
		}
		data := make([]byte, n)
		for i := 3; i < len(data) && dtype == "F32"; i += 4 {
			data[i] = 0x3c // small numbers that are not zero
		}
		out = append(out, torchscript.Tensor{Name: name, DType: dtype, Shape: shape, Data: data})
	}
	for _, s := range r.Params() {
		add(s.Name, s.Shape, "F32")
	}
	for _, s := range r.Buffers() {
		dtype := "F32"
		if strings.HasSuffix(s.Name, "num_batches_tracked") {
			dtype = "I64"
		}
		add(s.Name, s.Shape, dtype)
	}
	path := filepath.Join(t.TempDir(), "net.safetensors")
	require.NoError(t, torchscript.WriteSafetensorsFile(path, out, nil))
	return path
}

const scripted = `in Python model.fc = torch.nn.Identity(), torch.jit.script(model).save("net.ts"), ` +
	`and give --arch torchscript:net.ts --augment imagenet --size 224`

// Errors name networks that this program does not build, and say what can be done.
func TestForeignNetworksAreNamed(t *testing.T) {
	bottleneck := func(blocks ...int64) nets.ResNetConfig {
		return nets.ResNetConfig{Blocks: blocks, Bottleneck: true, Width: 4, Stem: nets.StemImageNet}
	}
	inner := regexp.MustCompile(`^layer\d\.\d+\.(conv[12]|bn[12]|conv3)\.`)
	for _, c := range []struct {
		is, remedy, refused string // of the file; refused: with --init-partial and --arch resnet50
		config              nets.ResNetConfig
		change              func(string, []int64) (string, []int64)
	}{
		{"a ResNet-101 (bottleneck blocks 3, 4, 23, 3), which is not built here", scripted,
			"it is not taken in parts as resnet50: it holds a ResNet-101", bottleneck(3, 4, 23, 3), nil},
		{"a Wide ResNet-50 (bottleneck blocks 3, 4, 6, 3) with blocks 2 times as wide", scripted,
			"it is not taken in parts as resnet50", bottleneck(3, 4, 6, 3), func(name string, shape []int64) (string, []int64) {
				if m := inner.FindStringSubmatch(name); m != nil && len(shape) > 0 {
					if m[1] != "conv3" {
						shape[0] *= 2
					}
					if m[1] == "conv2" || m[1] == "conv3" {
						shape[1] *= 2
					}
				}
				return name, shape
			}},
		{"a ResNeXt-50 (bottleneck blocks 3, 4, 6, 3) with 4 groups of 2 channels", scripted,
			"it is not taken in parts as resnet50", bottleneck(3, 4, 6, 3), func(name string, shape []int64) (string, []int64) {
				if m := inner.FindStringSubmatch(name); m != nil && len(shape) > 0 {
					if m[1] != "conv3" {
						shape[0] *= 2
					}
					if m[1] == "conv3" {
						shape[1] *= 2
					}
					if m[1] == "conv2" {
						shape[1] = shape[0] / 4
					}
				}
				return name, shape
			}},
	} {
		file := foreign(t, c.config, c.change)
		for _, args := range [][]string{{"embed", "testdata/init", "--out", "never.npy"},
			small("--arch", "resnet50", "--stem", "imagenet")} {
			status, _, errs := do(append(args, "--init", file)...)
			assert.Equal(t, exitFailure, status)
			assert.Contains(t, errs, c.is)
			assert.Contains(t, errs, c.remedy)
			assert.NotContains(t, errs, "--init-partial", "it would take half of another network")
			status, _, errs = do(append(args, "--init", file, "--arch", "resnet50", "--width", "0.0625", "--stem", "imagenet",
				"--init-partial")...)
			assert.Equal(t, exitFailure, status, errs)
			assert.Contains(t, errs, c.refused)
		}
	}
	assert.NoFileExists(t, "never.npy")
}

// typed returns the flags that an error names.
var typed = regexp.MustCompile(`--arch (\S+) --width (\S+) --stem (\S+)( --init-partial)?`)

// The remedy of an error helps when it is typed, in each command and over each preset.
func TestRemediesOfInitHelp(t *testing.T) {
	basic := nets.ResNetConfig{Blocks: []int64{1, 1, 1}, Width: 4, Stem: nets.StemImageNet}
	deep := func(name string, shape []int64) (string, []int64) {
		switch {
		case name == "conv1.weight":
			return "conv1.0.weight", []int64{2, 3, 3, 3}
		case strings.Contains(name, "downsample.1."):
			return strings.Replace(name, "downsample.1.", "downsample.2.", 1), shape
		case strings.Contains(name, "downsample.0."):
			return strings.Replace(name, "downsample.0.", "downsample.1.", 1), shape
		}
		return name, shape
	}
	gray := basic
	gray.Channels = 1
	for _, c := range []struct {
		is, taken string
		file      string
	}{
		{"it holds a resnet8 of width 0.0625 with a 7x7 stem", "54 of 54 tensors taken", foreign(t, basic, nil)},
		{"it holds a ResNet-8 (basic blocks 1, 1, 1) with a deep stem of 2 convolutions, pooling in the downsamples, as " +
			"in ResNet-D", "41 of 54 tensors taken",
			foreign(t, basic, deep,
				torchscript.Tensor{Name: "conv1.3.weight", DType: "F32", Shape: []int64{4, 2, 3, 3}, Data: make([]byte, 4*4*2*9)})},
		{"with a first convolution of 1-channel pictures, which is not built here (resnet8, resnet10, resnet18, resnet34, " +
			"resnet50 are): pictures have 3 channels; in Python state_dict[\"conv1.weight\"] =", "53 of 54 tensors taken",
			foreign(t, gray, nil)},
	} {
		train := small("--epochs", "1", "--init", c.file, "--width", "0.25", "--out", filepath.Join(t.TempDir(), "run"))
		status, _, errs := do(train...)
		require.Equal(t, exitFailure, status, errs)
		assert.Contains(t, errs, c.is)
		remedy := typed.FindString(errs)
		require.NotEmpty(t, remedy, errs)
		status, _, errs = do(append(train, strings.Fields(remedy)...)...)
		require.Zero(t, status, "%s: %s", remedy, errs)
		assert.Contains(t, errs, c.taken)

		embed := []string{"embed", "--init", c.file, "--size", "32", "--out", filepath.Join(t.TempDir(), "x.npy"),
			"testdata/init"}
		if status, _, errs = do(embed...); status != 0 {
			assert.Contains(t, errs, c.is)
			remedy = typed.FindString(errs)
			for _, words := range []string{remedy,
				regexp.MustCompile(`--width \S+ `).ReplaceAllString(remedy, "")} { // also with the width of the file
				status, _, errs = do(append(embed, strings.Fields(words)...)...)
				require.Zero(t, status, "%s: %s", words, errs)
				assert.Contains(t, errs, c.taken)
				require.NoError(t, os.Remove(embed[6]))
				_ = os.Remove(embed[6] + ".names.txt")
				_ = os.Remove(embed[6] + ".about.json")
				_ = os.Remove(strings.TrimSuffix(embed[6], ".npy") + ".names.txt")
			}
		}
	}
}

// Every network has counters. If only counters fit, nothing fits.
func TestCountersAloneAreNothing(t *testing.T) {
	file := foreign(t, nets.ResNetConfig{Blocks: []int64{1, 1, 1}, Width: 8, Stem: nets.StemCIFAR}, nil)
	out := filepath.Join(t.TempDir(), "run")
	status, _, errs := do(small("--init", file, "--init-partial", "--out", out)...)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "nothing fits resnet8 (--width 0.0625 --stem cifar)")
	assert.Contains(t, errs, "give --arch resnet8 --width 0.125 --stem cifar (or stl)\n")
	assert.NoDirExists(t, out)
}

func TestAddressesAreNoFiles(t *testing.T) {
	for address, want := range map[string]string{
		"https://x.org/a/net.pth?x=1": "download it (curl -L -O https://x.org/a/net.pth?x=1), and give --init net.pth",
		"s3://bucket/net.pth":         "download it (aws s3 cp s3://bucket/net.pth .), and give --init net.pth",
		"hf://a/net.safetensors":      "download it, and give --init net.safetensors",
	} {
		status, _, errs := do(small("--init", address)...)
		assert.Equal(t, exitFailure, status)
		assert.Contains(t, errs, want)
	}
}

// A state dict with Hugging Face's names of a ResNet is read, with both kinds of blocks.
func TestHuggingFacesResNets(t *testing.T) {
	unit := regexp.MustCompile(`^layer(\d)\.(\d)\.(conv|bn)(\d)\.`)
	down := regexp.MustCompile(`^layer(\d)\.(\d)\.downsample\.(\d)\.`)
	kind := map[string]string{"conv": "convolution", "bn": "normalization", "0": "convolution", "1": "normalization"}
	minus := func(s string) int { return int(s[0]-'0') - 1 }
	for _, bottleneck := range []bool{false, true} {
		blocks := []int64{2, 2, 2, 2}
		if bottleneck {
			blocks = []int64{3, 4, 6, 3}
		}
		file := foreign(t, nets.ResNetConfig{Blocks: blocks, Bottleneck: bottleneck, Width: 4, Stem: nets.StemImageNet},
			func(name string, shape []int64) (string, []int64) {
				if m := unit.FindStringSubmatch(name); m != nil {
					return fmt.Sprintf("resnet.encoder.stages.%d.layers.%s.layer.%d.%s.%s", minus(m[1]), m[2], minus(m[4]), kind[m[3]],
						name[len(m[0]):]), shape
				}
				if m := down.FindStringSubmatch(name); m != nil {
					return fmt.Sprintf("resnet.encoder.stages.%d.layers.%s.shortcut.%s.%s", minus(m[1]), m[2], kind[m[3]],
						name[len(m[0]):]), shape
				}
				part, rest, _ := strings.Cut(name, ".")
				return "resnet.embedder.embedder." + kind[strings.TrimSuffix(part, "1")] + "." + rest, shape
			})
		out := filepath.Join(t.TempDir(), "x.npy")
		status, _, errs := do("embed", "--init", file, "--size", "32", "--out", out, "testdata/init")
		require.Zero(t, status, errs)
		assert.Regexp(t, `Hugging Face transformers \(names after "resnet\."\): (\d+) of (\d+) tensors taken\n`, errs)
	}
}

func TestAFolderWithoutARunNamesWhatToTake(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".metadata"), nil, 0o600))
	status, _, errs := do(small("--init", dir)...)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "dcp_to_torch "+dir+" one.pt")
	assert.False(t, outfile.Exists(runfolder.Config(dir)))
}
