package examples

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/torchscript"
	"github.com/icl-msr/icl-msr/transforms"
)

// convnets is a family of this test's own: stages of a 3x3 convolution of stride 2, batch norm and ReLU.
func convnets() nets.Family {
	return nets.Family{
		Name:   "convnet",
		Arches: []string{"convnet2", "convnet3"},
		New: func(c nets.BackboneConfig) (nets.Encoder, error) {
			var stages int
			if _, err := fmt.Sscanf(c.Arch, "convnet%d", &stages); err != nil {
				return nil, err
			}
			return newConvnet(stages, int64(16*c.Width)), nil
		},
		StateDict: nets.StateDict{
			Mark:    "stage1.conv.weight",
			Child:   regexp.MustCompile(`^stage\d$`).MatchString,
			Anatomy: convnetAnatomy,
		},
	}
}

func newConvnet(stages int, width int64) nets.Encoder {
	in, out := int64(3), width
	var parts []nets.Child
	for i := range stages {
		stage := nets.Named(
			nets.Child{Name: "conv", Net: nets.Conv2d(in, out, 3, 2, 1)},
			nets.Child{Name: "norm", Net: nets.BatchNorm(out)},
			nets.Child{Name: "act", Net: nets.ReLU()},
		)
		parts = append(parts, nets.Child{Name: fmt.Sprintf("stage%d", i+1), Net: stage})
		in, out = out, 2*out
	}
	return nets.WithDim(nets.Named(append(parts, nets.Child{Name: "pool", Net: nets.GlobalAvgPool()})...), in)
}

func convnetAnatomy(shapes map[string][]int64) (nets.Anatomy, error) {
	stages := 0
	for shapes[fmt.Sprintf("stage%d.conv.weight", stages+1)] != nil {
		stages++
	}
	width := shapes["stage1.conv.weight"][0]
	a := nets.Anatomy{
		Text:           fmt.Sprintf("convnet of %d stages", stages),
		BackboneConfig: nets.BackboneConfig{Width: float64(width) / 16},
	}
	if stages == 2 || stages == 3 {
		a.Arch = fmt.Sprintf("convnet%d", stages)
	}
	return a, nil
}

// trained is a state of the backbone after an epoch of SimCLR with MSR: regular steps and meta steps.
func trained(t *testing.T, s *torch.Scope, backbone nets.Encoder) *meta.State {
	method, err := methods.New("simclr", methods.Config{Temperature: 0.5, Hidden: 16, Dim: 8})
	require.NoError(t, err)
	m, err := model.New(method, backbone)
	require.NoError(t, err)
	msr, err := nets.NewMSR(nets.MSRConfig{Trunk: "conv4", Width: 0.125, N: 6, C: 8})
	require.NoError(t, err)
	st, err := meta.NewState(s, meta.StateOptions{
		Model:     m,
		MSR:       msr,
		Optimizer: nets.OptimizerConfig{Name: "adam"},
		Seed:      1,
		Options:   torch.Float32(),
	})
	require.NoError(t, err)
	pictures, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 16, Size: 16, Seed: 1})
	require.NoError(t, err)
	aug := transforms.CIFAR().WithSize(16)
	loader, err := datasets.NewLoader(pictures, datasets.LoaderOptions{
		BatchSize: 8,
		Views:     []datasets.Augment{&aug.View, &aug.View},
		Plain:     &aug.Plain,
	})
	require.NoError(t, err)
	source := meta.Feed(loader, func(b *datasets.Batch) meta.HostBatch {
		return meta.HostBatch{N: b.N, Size: 16, Sizes: []int{16, 16}, Views: b.Views, Plain: b.Plain}
	})
	before := values(s, st)
	schedule := nets.Schedule{Kind: "constant", LR: 0.01, Epochs: 1, Steps: loader.Steps()}
	trainer := meta.Trainer{State: st, Config: meta.Default(), Source: source, Schedule: schedule}
	require.NoError(t, trainer.Run(context.Background()))
	assert.Equal(t, 2, st.Position.MetaSteps)
	after := values(s, st)
	for _, name := range []string{"backbone.stage1.conv.weight", "backbone.stage3.norm.running_mean", "msr.out.weight"} {
		assert.False(t, bytes.Equal(before[name], after[name]), "%s was trained", name)
	}
	return st
}

func values(s *torch.Scope, st *meta.State) map[string][]byte {
	out := map[string][]byte{}
	for _, t := range st.Tensors() {
		out[t.Name] = s.Bytes(t.Tensor)
	}
	return out
}

// stored are a state's tensors for a file, without what stands before the backbone's names if bare.
func stored(s *torch.Scope, st *meta.State, bare bool) (out []torchscript.Tensor) {
	for _, t := range st.Tensors() {
		name := t.Name
		if bare {
			m := regexp.MustCompile(`^backbone\.(.*)$`).FindStringSubmatch(name)
			if m == nil {
				continue
			}
			name = m[1]
		}
		dtype := map[torch.DType]string{torch.F32: "F32", torch.I64: "I64"}[s.Like(t.Tensor).DType]
		out = append(out, torchscript.Tensor{Name: name, DType: dtype, Shape: s.Shape(t.Tensor), Data: s.Bytes(t.Tensor)})
	}
	return out
}

// A family of a program's own is trained with MSR, saved, exported, recognised, guessed and imported. It is one row
// for Recognise; in nets.Families it would be known to the command, too.
func TestAFamilyOfBackbones(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer torch.SetGrad(false)()
	s, dir := torch.NewScope(), t.TempDir()
	defer func() { require.NoError(t, s.Close()) }()
	config := nets.BackboneConfig{Arch: "convnet3", Width: 0.5}
	family, ok := nets.FamilyOf(config.Arch, convnets())
	require.True(t, ok)
	backbone, err := family.New(config)
	require.NoError(t, err)
	st := trained(t, s, backbone)
	x := s.Normal(0, 1, torch.Float32(), 2, 3, 16, 16)
	want := torch.Slice[float32](s, st.Features(s, x))

	checkpoint, exported := filepath.Join(dir, "checkpoint.safetensors"), filepath.Join(dir, "backbone.pt")
	require.NoError(t, torchscript.WriteSafetensorsFile(checkpoint, stored(s, st, false), nil))
	require.NoError(t, torchscript.WriteStateDictFile(exported, stored(s, st, true)))
	for file, layout := range map[string]string{
		checkpoint: `a checkpoint of this program (names after "backbone.")`,
		exported:   "a convnet",
	} {
		w, err := torchscript.OpenWeights(file)
		require.NoError(t, err)
		_, err = torchscript.Recognise(w, "")
		assert.ErrorContains(t, err, "no ResNet in it: no names that end in layer1.0.conv1.weight")
		l, err := torchscript.Recognise(w, "", convnets())
		require.NoError(t, err)
		assert.Equal(t, layout, l.String())
		guess, built, err := torchscript.Guess(w, l)
		require.NoError(t, err)
		assert.True(t, built)
		assert.Equal(t, config, guess.BackboneConfig)
		assert.Equal(t, want, features(t, s, w, l, x), file)
		require.NoError(t, w.Close())
	}
	scriptAndONNX(t, s, st, x, want)
}

// features are those of the network that a file holds.
func features(t *testing.T, s *torch.Scope, w *torchscript.Weights, l torchscript.Layout, x torch.Tensor) []float32 {
	guess, _, err := torchscript.Guess(w, l)
	require.NoError(t, err)
	net, err := l.Family.New(guess.BackboneConfig)
	require.NoError(t, err)
	m, err := torchscript.Compare(w, l, torchscript.WantedBy(net))
	require.NoError(t, err)
	read := func(specs []nets.Spec) (out []torch.Tensor) {
		for _, spec := range specs {
			raw, err := w.Read(m.Found[spec.Name])
			require.NoError(t, err)
			o := torch.Options{DType: map[string]torch.DType{"F32": torch.F32, "I64": torch.I64}[raw.DType], Device: torch.CPU()}
			out = append(out, s.FromBytes(raw.Data, o, raw.Shape...))
		}
		return out
	}
	return torch.Slice[float32](s, net.Forward(s, read(net.Params()), read(net.Buffers()), x, nets.Eval()))
}

// scriptAndONNX exports the backbone as TorchScript, which LibTorch runs, and as ONNX.
func scriptAndONNX(t *testing.T, s *torch.Scope, st *meta.State, x torch.Tensor, want []float32) {
	g, err := nets.Describe(st.Backbone)
	require.NoError(t, err)
	script, onnx := filepath.Join(t.TempDir(), "net.ts"), filepath.Join(t.TempDir(), "net.onnx")
	var p, b []nets.NamedTensor
	for _, n := range st.Encoder() {
		n.Name = n.Name[len("backbone."):]
		if len(p) < len(st.Backbone.Params()) {
			p = append(p, n)
		} else {
			b = append(b, n)
		}
	}
	require.NoError(t, torchscript.WriteScriptFile(script, g, p, b, nil))
	require.NoError(t, torchscript.WriteONNXFile(onnx, g, stored(s, st, true), st.Backbone.Dim()))
	m, err := torch.LoadScript(script, torch.CPU())
	require.NoError(t, err)
	mp, mb := m.Tensors(s)
	got := torch.Slice[float32](s, s.Run(m, mp, mb, x, false, false))
	assert.InDeltaSlice(t, want, got, 1e-5)
}

// A network of the family that has no name is told apart, and so is a file that holds two networks.
func TestNetworksOfAFamilyThatAreNotBuilt(t *testing.T) {
	s := torch.NewScope()
	defer func() { require.NoError(t, s.Close()) }()
	file := func(prefixes ...string) string {
		var out []torchscript.Tensor
		for _, prefix := range prefixes {
			for _, spec := range newConvnet(4, 2).Params() {
				data := make([]byte, 4*nets.Count([]nets.Spec{spec}))
				out = append(out, torchscript.Tensor{Name: prefix + spec.Name, DType: "F32", Shape: spec.Shape, Data: data})
			}
		}
		path := filepath.Join(t.TempDir(), "net.safetensors")
		require.NoError(t, torchscript.WriteSafetensorsFile(path, out, nil))
		return path
	}
	w, err := torchscript.OpenWeights(file("module."))
	require.NoError(t, err)
	defer w.Close()
	l, err := torchscript.Recognise(w, "", convnets())
	require.NoError(t, err)
	guess, built, err := torchscript.Guess(w, l)
	require.NoError(t, err)
	assert.False(t, built)
	assert.Equal(t, "convnet of 4 stages", guess.String())
	assert.False(t, guess.Partly("convnet3"))

	two, err := torchscript.OpenWeights(file("left.", "right."))
	require.NoError(t, err)
	defer two.Close()
	_, err = torchscript.Recognise(two, "", convnets())
	assert.ErrorContains(t, err, `several networks: "left" and "right"`)
	l, err = torchscript.Recognise(two, "right", convnets())
	require.NoError(t, err)
	assert.Equal(t, `a convnet (names after "right.")`, l.String())
}
