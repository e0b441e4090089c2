package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/torchscript"
	"github.com/icl-msr/icl-msr/train"
)

const moco = "testdata/init/moco.pth"

// mocoWeights returns the values of a tensor of moco.pth as float32.
func mocoWeights(t *testing.T, name string) []byte {
	w, err := torchscript.OpenWeights(moco)
	require.NoError(t, err)
	defer w.Close()
	for _, g := range w.Groups {
		for _, s := range g.Tensors {
			if s.Name == name {
				raw, err := w.Read(s)
				require.NoError(t, err)
				var out []byte
				require.NoError(t, torch.With(func(s *torch.Scope) error {
					out = s.Bytes(s.To(train.DecodeTensor(s, raw), torch.Float32()))
					return s.Err()
				}))
				return out
			}
		}
	}
	t.Fatal("no tensor ", name)
	return nil
}

func TestTrainingStartsFromInit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	still := func(more ...string) []string { // no step changes anything
		return small(append([]string{"--out", dir, "--lr", "1e-30", "--epochs", "1", "--method", "byol", "--init", moco},
			more...)...)
	}
	status, _, errs := do(still()...)
	require.Zero(t, status, errs)
	assert.Contains(t, errs, `--init testdata/init/moco.pth: MoCo v1 or v2 (in "state_dict", names `+
		`after "module.encoder_q."): 54 of 54 tensors taken; `+
		`ignored module.encoder_k 58, module.encoder_q.fc 4, module.queue 1, module.queue_ptr 1; 45 converted from F64`)
	got := tensors(t, dir)
	for _, name := range []string{"conv1.weight", "layer3.0.downsample.0.weight", "bn1.weight"} {
		want := mocoWeights(t, "module.encoder_q."+name)
		assert.Equal(t, want, got["backbone."+name], name)
		assert.Equal(t, want, got["target.backbone."+name], "the target starts as a copy: %s", name)
	}
	text, err := os.ReadFile(runfolder.Config(dir))
	require.NoError(t, err)
	assert.Contains(t, string(text), "\ninit: testdata/init/moco.pth\n")

	// A resumed run uses its checkpoint, not --init.
	before, err := os.ReadFile(runfolder.Last(dir))
	require.NoError(t, err)
	status, _, errs = do(still("--resume")...)
	require.Zero(t, status, errs)
	assert.NotContains(t, errs, "MoCo")
	after, err := os.ReadFile(runfolder.Last(dir))
	require.NoError(t, err)
	assert.Equal(t, before, after)

	// A checkpoint of this program also gives its projector, if that fits.
	next := filepath.Join(t.TempDir(), "next")
	status, _, errs = do(small("--out", next, "--lr", "1e-30", "--epochs", "1", "--seed", "7", "--init", dir)...)
	require.Zero(t, status, errs)
	assert.Contains(t, errs, "a checkpoint of this program")
	assert.Contains(t, errs, "; its projector too")
	assert.Equal(t, got["projector.0.weight"], tensors(t, next)["projector.0.weight"])
	status, _, errs = do(small("--out", next+"2", "--lr", "1e-30", "--epochs", "1", "--dim", "4", "--init",
		runfolder.Last(dir))...)
	require.Zero(t, status, errs)
	assert.Contains(t, errs, "; its projector does not fit and starts anew")
}

func TestInitThatDoesNotFitIsOneClearLine(t *testing.T) {
	dir := t.TempDir()
	next := 0
	for _, c := range []struct {
		status int
		want   string
		args   []string
	}{
		{1, "nothing fits resnet8 (--width 0.125 --stem cifar)",
			small("--width", "0.125", "--init", moco, "--init-prefix", "module.encoder_q")},
		{1, "it holds a resnet8 of width 0.0625 with a 3x3 stem; give --arch resnet8 --width 0.0625 --stem cifar (or " +
			"stl); --init-partial takes what fits", small("--arch", "resnet10", "--init", moco)},
		{1, "135 missing (", small("--arch", "resnet34", "--width", "0.0625", "--init", moco, "--verbose")},
		{1, "15 unexpected (", small("--arch", "resnet8", "--init", filepath.Join(dir, "deep.safetensors"))},
		{1, "nothing.pth: no such file", small("--init", filepath.Join(dir, "nothing.pth"))},
		{1, "neither a file of torch.save nor safetensors", small("--init", "testdata/init/make.py")},
		{1, "no ResNet in it", small("--init", "../torchscript/testdata/kinds.pt")},
		{1, "names posix.system, which is not allowed", small("--init", "../torchscript/testdata/evil.pt")},
		{2, "--arch goes with --init only", []string{"eval", "--run", dir, "--arch", "resnet8"}},
		{2, "a network of another program needs --dataset", []string{"eval", "--init", moco}},
		{2, "a network of another program needs --dataset", []string{"finetune", "--init", moco}},
		{2, "or --init FILE of another program", []string{"embed", "--init", moco, "--run", dir}},
		{2, "or name pictures", []string{"embed", "--init", moco}},
		{2, `unknown --format "json"; did you mean "jsonl"`,
			[]string{"embed", "--init", moco, "--format", "json", "testdata/init"}},
		{2, "another program's head is not loaded",
			[]string{"embed", "--init", moco, "--what", "projection", "--out", filepath.Join(dir, "x.npy"), "testdata/init"}},
		{2, "--out - writes csv or jsonl", []string{"embed", "--init", moco, "--out", "-", "testdata/init"}},
		{2, "give either pictures", []string{"embed", "--init", moco, "--dataset", "shapes", "testdata/init"}},
		{1, "no such file", []string{"embed", "--init", moco, "--bad-pictures", "stop", "--out", filepath.Join(dir,
			"y.npy"),
			filepath.Join(dir, "no.png")}},
	} {
		if next == 3 { // a deeper network than resnet8
			status, _, errs := do(small("--arch", "resnet10", "--epochs", "1", "--out", filepath.Join(dir, "deep"))...)
			require.Zero(t, status, errs)
			require.NoError(t, os.Rename(runfolder.Last(filepath.Join(dir, "deep")), filepath.Join(dir, "deep.safetensors")))
		}
		next++
		args := c.args
		if args[0] == "pretrain" {
			args = append(args, "--out", filepath.Join(dir, "out"))
		}
		status, _, errs := do(args...)
		last := errs[strings.LastIndex(strings.TrimSpace(errs), "\n")+1:]
		assert.Equal(t, c.status, status, "%v: %s", c.args, errs)
		assert.Contains(t, last, c.want)
		assert.NoDirExists(t, filepath.Join(dir, "out"), "nothing is begun")
	}
	status, _, errs := do(small("--arch", "resnet18", "--epochs", "1", "--init", moco, "--init-partial", "--out",
		filepath.Join(dir, "partial"))...)
	require.Zero(t, status, errs)
	assert.Contains(t, errs, "54 of 120 tensors taken; ")
	assert.Contains(t, errs, "more: --verbose")
}

func TestEvaluationAndFineTuningOfInit(t *testing.T) {
	status, out, errs := do("eval", "--init", moco, "--dataset", "shapes", "--epochs", "2", "--threads", "1")
	require.Zero(t, status, errs)
	assert.Contains(t, out, moco+", resnet8")
	assert.Contains(t, out, "new-background")
	assert.Contains(t, errs, "MoCo v1 or v2")
	status, out, errs = do("finetune", "--init", moco, "--dataset", "shapes", "--labels", "0.01,0.02", "--epochs", "1",
		"--batch-size", "16", "--threads", "1")
	require.Zero(t, status, errs)
	assert.Contains(t, out, "2%")
	assert.Equal(t, 1, strings.Count(errs, "MoCo v1 or v2"), "said once")
}

// stopAfter is a writer that ends the context after a number of bytes.
type stopAfter struct {
	left int
	stop context.CancelFunc
}

func (s *stopAfter) Write(p []byte) (int, error) {
	if s.left -= len(p); s.left <= 0 {
		s.stop()
	}
	return len(p), nil
}

// A TorchScript module is evaluated and embeds pictures without a run. A frozen module does, too.
func TestATorchScriptModuleAlone(t *testing.T) {
	rows := func(module string) string {
		status, printed, errs := do("embed", "--arch", "torchscript:../nets/testdata/"+module, "--size", "16", "--format",
			"csv", "--out", "-", "testdata/init/a.png", "testdata/init/b.png")
		require.Zero(t, status, errs)
		assert.Contains(t, errs, "a TorchScript module from pictures of 16 pixels, cut and normalised as cifar, to 4 "+
			"features")
		return printed
	}
	scripted := rows("scripted.pt")
	assert.Equal(t, 3, strings.Count(scripted, "\n"))
	assert.Equal(t, scripted, rows("traced.pt"), "the same network")
	assert.Equal(t, 3, strings.Count(rows("frozen.pt"), "\n"))
	for want, args := range map[string][]string{
		"leave --run, --checkpoint and --init out":     {"--run", "x"},
		"a network of another program needs --dataset": nil,
	} {
		status, _, errs := do(append([]string{"eval", "--arch", "torchscript:../nets/testdata/scripted.pt"}, args...)...)
		assert.Equal(t, exitUsage, status)
		assert.Contains(t, errs, want)
	}
}
