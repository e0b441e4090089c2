package train

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torchscript"
	"github.com/icl-msr/icl-msr/transforms"
)

// ExportOptions say which part of a checkpoint is written, and how.
type ExportOptions struct {
	What, Format, FC, Out string
	Preprocess, Force     bool
}

// ExportKinds lists the values of ExportOptions.What.
func ExportKinds() []string { return []string{"backbone", "backbone+projector", "f_msr"} }

// exportFormats lists the formats, each with the file endings that select it.
func exportFormats() suggest.Table[[]string] {
	return suggest.Table[[]string]{
		{Name: "pt", Is: []string{".pt", ".pth"}},
		{Name: "safetensors", Is: []string{".safetensors"}},
		{Name: "torchscript", Is: []string{".ts", ".torchscript"}},
		{Name: "onnx", Is: []string{".onnx"}},
	}
}

// Settle completes the options, and returns an error if they contradict each other.
func (o *ExportOptions) Settle() error {
	if err := choice("{train.What}", o.What, ExportKinds()...); err != nil {
		return err
	}
	if o.Out == "" {
		return usage.Errorf("{train.Out} FILE is missing: where to write")
	}
	if o.Format == "" {
		o.Format = formatOf(o.Out)
	}
	names := exportFormats().Names()
	dict := o.Format == "pt" || o.Format == "safetensors"
	switch {
	case o.Format == "" && !outfile.IsPictureName(o.Out): // Check has a better error for pictures
		return usage.Errorf("{train.Out} %s: its ending tells no format; give {train.Format} %s", o.Out,
			strings.Join(names, ", "))
	case o.Format != "" && !slices.Contains(names, o.Format):
		return usage.Wrap(suggest.Unknown("{train.Format}", o.Format, names))
	case o.FC != "none" && o.FC != "zeros":
		return usage.Errorf("{train.FC} %s: want none or zeros", o.FC)
	case o.FC == "zeros" && (o.What != "backbone" || !dict):
		return usage.Errorf("{train.FC} zeros goes with {train.What} backbone and {train.Format} pt or safetensors")
	case o.Preprocess && o.Format != "torchscript":
		return usage.Errorf("{train.Preprocess} goes with {train.Format} torchscript only")
	}
	return nil
}

// formatOf returns the format that a file's ending selects, or "".
func formatOf(path string) string {
	ending := strings.ToLower(filepath.Ext(path))
	for _, format := range exportFormats() {
		if slices.Contains(format.Is, ending) {
			return format.Name
		}
	}
	return ""
}

// Check returns an error if the export would destroy a file.
func (o *ExportOptions) Check(checkpoint string) error {
	return outfile.File{Setting: "{train.Out}", Path: o.Out, Force: o.Force, Inputs: []string{checkpoint}}.Check()
}

// Exported is a network with its tensors, under the names that they have in the file.
type Exported struct {
	Net        nets.Network
	shape      []int64 // of the output for one picture
	tensors    []torchscript.Tensor
	preprocess torchscript.Preprocess
}

// Export writes a part of the checkpoint, and returns it.
func (k Checkpoint) Export(o ExportOptions) (Exported, error) {
	k.Config.Device = "cpu"
	e, err := k.part(o)
	if err != nil {
		return e, err
	}
	return e, e.write(o)
}

// part takes the network that is exported, and its tensors, out of a checkpoint.
func (k Checkpoint) part(o ExportOptions) (Exported, error) {
	e, prefix, err := k.network(o.What)
	if err != nil {
		return e, err
	}
	for _, spec := range slices.Concat(e.Net.Params(), e.Net.Buffers()) {
		t, ok := torchscript.Find(k.Tensors, prefix+spec.Name)
		if !ok || !slices.Equal(t.Shape, spec.Shape) {
			return e, fmt.Errorf("%s: no tensor %s of shape %v: a checkpoint of another architecture or method", k.Path,
				prefix+spec.Name, spec.Shape)
		}
		if n := countNonFinite(t); n > 0 {
			return e, fmt.Errorf("%s: %d of the %d numbers of %s are not finite: the network diverged in training, "+
				"or the file is damaged; export an earlier checkpoint (--checkpoint)", k.Path, n, count(t.Shape), t.Name)
		}
		t.Name = spec.Name
		e.tensors = append(e.tensors, t)
	}
	if o.FC == "zeros" {
		e.tensors = append(e.tensors, zeroFC(e.shape[0])...)
	}
	return e, nil
}

// network builds the network that what names, without its tensors. Their names in the checkpoint begin with prefix.
func (k Checkpoint) network(what string) (e Exported, prefix string, err error) {
	model, f, err := k.Config.Model(0)
	if err != nil {
		return e, "", err
	}
	aug, err := k.Config.Augmentation()
	if err != nil {
		return e, "", err
	}
	e.preprocess = preprocess(aug.Plain)
	switch what {
	case "backbone":
		e.Net, e.shape = model.Backbone, []int64{model.Backbone.Dim()}
		return e, "backbone.", nil
	case "backbone+projector":
		if model.Projector == nil {
			return e, "", field.Errorf("%s: method %s has no projector; export {train.What} backbone", k.Path, k.Config.Method)
		}
		e.Net = nets.Named(nets.Child{Name: "backbone", Net: model.Backbone},
			nets.Child{Name: "projector", Net: model.Projector})
		e.shape = []int64{model.Projector.Dim()}
		return e, "", nil
	}
	if f == nil {
		return e, "", field.Errorf("%s: this run has no f_msr (it was trained without {train.UseMSR})", k.Path)
	}
	n, c := f.Shape()
	e.Net, e.shape = f, []int64{n, c}
	return e, "msr.", nil
}

// preprocess returns the preparation of a picture without augmentation.
func preprocess(p transforms.Plain) torchscript.Preprocess {
	return torchscript.Preprocess{
		Size:   p.Size,
		Resize: p.Resize,
		Mean:   p.Norm.Mean,
		Std:    p.Norm.Std,
		Lab:    p.Norm.Lab,
	}
}

// zeroFC returns a linear layer of zeros for ImageNet's 1000 classes, which torchvision's state dicts have.
func zeroFC(dim int64) []torchscript.Tensor {
	const classes = 1000
	return []torchscript.Tensor{
		{Name: "fc.weight", DType: "F32", Shape: []int64{classes, dim}, Data: make([]byte, 4*classes*dim)},
		{Name: "fc.bias", DType: "F32", Shape: []int64{classes}, Data: make([]byte, 4*classes)},
	}
}

// count returns the number of entries of a tensor.
func count(shape []int64) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	return n
}

// write writes the file in the format of the options.
func (e Exported) write(o ExportOptions) error {
	switch o.Format {
	case "pt":
		return torchscript.WriteStateDictFile(o.Out, e.tensors)
	case "safetensors":
		return torchscript.WriteSafetensorsFile(o.Out, e.tensors, map[string]string{"format": "pt"})
	}
	scripted, ok := e.Net.(*nets.Scripted)
	if ok && o.Format == "torchscript" && !o.Preprocess {
		return e.loaded(func(p, b []nets.NamedTensor) error { return torchscript.RewriteScriptFile(o.Out, scripted, p, b) })
	}
	g, err := nets.Describe(e.Net)
	switch {
	case ok:
		return field.Errorf("{train.Format} %s: the code of a TorchScript backbone is its own; export it by "+
			"{train.Format} torchscript without {train.Preprocess}, and continue in Python", o.Format)
	case err != nil:
		return field.Errorf("{train.Format} %s {train.What} %s: %w; {train.Format} pt or safetensors writes its tensors",
			o.Format, o.What, err)
	case o.Format == "onnx":
		return torchscript.WriteONNXFile(o.Out, g, e.tensors, e.shape...)
	}
	var before *torchscript.Preprocess
	if o.Preprocess {
		before = &e.preprocess
	}
	return e.loaded(func(p, b []nets.NamedTensor) error { return torchscript.WriteScriptFile(o.Out, g, p, b, before) })
}
