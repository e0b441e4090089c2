package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/icl-msr/icl-msr/internal/embedding"
	"github.com/icl-msr/icl-msr/internal/settings"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/train"
)

// The exported functions of this folder are the interface of its plugin build (`make plugin`, bin/icl-msr.so;
// plugin.Lookup). Their signatures use only Go's own types, so that a host imports none of our packages. They return
// errors, never end the process, and may be called from any goroutine. Settings are those of config.yaml. If an error
// names a flag, it means the setting of that name.

// PluginAPI returns the version of this interface. The version grows when an existing function changes its signature or
// its meaning. A new function does not change it.
func PluginAPI() int { return 1 }

// Version returns the versions of LibTorch and of the interface, as "icl-msr, LibTorch 2.1.0, plugin API 1".
func Version() string {
	return fmt.Sprintf("icl-msr, LibTorch %s, plugin API %d", torch.Version(), PluginAPI())
}

// Methods lists the values of the setting method.
func Methods() []string { return methods.Names() }

// Train trains into the new run folder out. configYAML holds any settings of config.yaml. They override those of its
// `preset: NAME`, which override the method's recipe. An empty text trains SimCLR on drawn pictures. log receives what
// `run pretrain` prints; it may be nil. When ctx ends, Train finishes the step, saves the run and returns ctx's error;
// Resume then resumes the run. Runs that train at the same time in one process share LibTorch's random numbers, so
// their seeds do not fix them.
func Train(ctx context.Context, configYAML, out string, log io.Writer) error {
	c, err := parseConfig(configYAML)
	if err != nil {
		return flagged(err)
	}
	_, err = train.Pretrain(ctx, logOf(log), c, out, false)
	return flagged(err)
}

// Resume resumes the run in folder out from its newest checkpoint, with its config.yaml.
func Resume(ctx context.Context, out string, log io.Writer) error {
	c, err := train.ReadConfig(out)
	if err != nil {
		return flagged(err)
	}
	_, err = train.Pretrain(ctx, logOf(log), c, out, true)
	return flagged(err)
}

// Embed returns the features of picture files (PNG or JPEG) by the backbone of a checkpoint file. The result has a row
// for each picture, in their order. Embed fails at the first picture that cannot be read.
func Embed(ctx context.Context, checkpoint string, pictures []string) ([][]float32, error) {
	embed, done, err := Load(checkpoint)
	if err != nil {
		return nil, err
	}
	defer done()
	return embed(ctx, pictures)
}

// Load keeps the network of a checkpoint file in memory. embed does what Embed does, with this network, one call at a
// time. done frees the network. It runs on the device of the training if that exists here, else on the CPU.
func Load(checkpoint string) (
	embed func(ctx context.Context, pictures []string) ([][]float32, error), done func(), err error,
) {
	k, err := train.Load(checkpoint)
	if err != nil {
		return nil, nil, flagged(err)
	}
	if _, err := train.Device(k.Config.Device); err != nil {
		k.Config.Device = "cpu"
	}
	n, err := embedding.Start(k)
	if err != nil {
		return nil, nil, flagged(err)
	}
	embed = func(ctx context.Context, pictures []string) ([][]float32, error) {
		rows, err := n.Embed(ctx, pictures)
		return rows, flagged(err)
	}
	return embed, n.Close, nil
}

// Export writes a part of a checkpoint file's network for other programs, as `run export` does. what is backbone,
// backbone+projector or f_msr. format is pt, safetensors, torchscript or onnx; if it is empty, the ending of out
// decides. Export replaces an existing file, unless that is a picture or a checkpoint.
func Export(checkpoint, what, format, out string) error {
	o := train.ExportOptions{What: what, Format: format, FC: "none", Out: out, Force: true}
	if err := o.Settle(); err != nil {
		return flagged(err)
	}
	if err := o.Check(checkpoint); err != nil {
		return flagged(err)
	}
	k, err := train.Load(checkpoint)
	if err != nil {
		return flagged(err)
	}
	_, err = k.Export(o)
	return flagged(err)
}

// parseConfig reads a configuration, which may name a preset.
func parseConfig(text string) (train.Config, error) {
	file, err := settings.Read(strings.NewReader(text), "configuration")
	if err != nil {
		return train.Config{}, usage.Wrap(err)
	}
	c, err := request{}.below(file, nil)
	if err != nil {
		return c, usage.Wrap(err)
	}
	return c, c.ResolvePaths()
}

// logOf returns the writer of a run's progress. It discards the progress if w is nil.
func logOf(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return pluginLog{w, newNamesFlags()}
}

// pluginLog is a writer of the host program. Its readers know a setting by the name of its flag.
type pluginLog struct {
	io.Writer
	namesFlags
}

// Raw returns the host program's writer, for package printable.
func (l pluginLog) Raw() io.Writer { return l.Writer }
