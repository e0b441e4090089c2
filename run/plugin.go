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

// The exported functions of this folder are the interface of its plugin build
// (`make plugin`, bin/icl-msr.so; plugin.Lookup). Their signatures are of Go's
// own types alone, so that a host imports nothing of ours; they return errors,
// never end the process, and may be called from any goroutine. Settings are those
// of config.yaml: where an error names a flag, the setting of that name is meant.

// PluginAPI is the version of this interface. It grows when a function that was
// there changes its signature or its meaning; new functions leave it.
func PluginAPI() int { return 1 }

// Version tells the versions of LibTorch and of the interface, as
// "icl-msr, LibTorch 2.1.0, plugin API 1".
func Version() string {
	return fmt.Sprintf("icl-msr, LibTorch %s, plugin API %d", torch.Version(), PluginAPI())
}

// Methods lists the names that the setting method takes.
func Methods() []string { return methods.Names() }

// Train runs a training of its own into the new run folder out. configYAML has
// any of config.yaml's settings over those of `preset: NAME`, over the method's
// recipe; an empty text trains SimCLR on drawn pictures. log, which may be nil,
// gets what `run pretrain` prints. When ctx is done the step at hand is
// finished, the run saved, and ctx's error returned: Resume goes on. Runs that
// start at once in one process share LibTorch's random numbers, so that their
// seeds do not fix them.
func Train(ctx context.Context, configYAML, out string, log io.Writer) error {
	c, err := parseConfig(configYAML)
	if err != nil {
		return flagged(err)
	}
	_, err = train.Pretrain(ctx, logOf(log), c, out, false)
	return flagged(err)
}

// Resume resumes the run in folder out, by its config.yaml, from its newest
// checkpoint.
func Resume(ctx context.Context, out string, log io.Writer) error {
	c, err := train.ReadConfig(out)
	if err != nil {
		return flagged(err)
	}
	_, err = train.Pretrain(ctx, logOf(log), c, out, true)
	return flagged(err)
}

// Embed returns the backbone's features of picture files, PNG or JPEG, a row
// for each in their order, by the network of a checkpoint file. The first
// picture that cannot be read is the error.
func Embed(ctx context.Context, checkpoint string, pictures []string) ([][]float32, error) {
	embed, done, err := Load(checkpoint)
	if err != nil {
		return nil, err
	}
	defer done()
	return embed(ctx, pictures)
}

// Load keeps the network of a checkpoint file in memory: embed is Embed with it,
// one call at a time, until done frees it. It runs on the device of the
// training where that is there, else on the CPU.
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

// Export writes a part of a checkpoint file's network for other programs, as
// `run export` does: what is backbone, backbone+projector or f_msr; format is pt,
// safetensors, torchscript or onnx, or empty for what the ending of out says. A file that is there is replaced, but
// for pictures and checkpoints.
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

// parseConfig reads a configuration with the name of a preset in it.
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

// logOf is the writer of a run's progress; nil: nobody reads it.
func logOf(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return pluginLog{w, newNamesFlags()}
}

// pluginLog is a writer that a program gives. Settings have the same names there as flags.
type pluginLog struct {
	io.Writer
	namesFlags
}

// Raw is the program's writer, for package printable.
func (l pluginLog) Raw() io.Writer { return l.Writer }
