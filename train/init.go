package train

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/torchscript"
)

// Initial names the weights that a run starts from: a file of PyTorch's or of safetensors, whichever program wrote it.
type Initial struct {
	File    string `yaml:"init"`
	Partial bool   `yaml:"init-partial"`
	Prefix  string `yaml:"init-prefix"`
	Verbose bool   `yaml:"-"`
}

// open opens the file, or a run folder's newest checkpoint, and recognises its layout.
func (n *Initial) open() (*torchscript.Weights, torchscript.Layout, error) {
	path := n.File
	if scheme, _, ok := strings.Cut(path, "://"); ok && !outfile.Exists(path) {
		return nil, torchscript.Layout{}, field.Errorf("{train.Initial.File} %s: want a file, not an address: download "+
			"it%s, and give {train.Initial.File} %s", path, fetched(scheme, path), filepath.Base(path))
	}
	if last := runfolder.Last(path); outfile.Exists(last) {
		path = last
	}
	file, err := torchscript.OpenWeights(path)
	if err != nil {
		return nil, torchscript.Layout{}, field.Errorf("{train.Initial.File}: %w", err)
	}
	layout, err := torchscript.Recognise(file, n.Prefix)
	if err != nil {
		file.Close()
		return nil, layout, field.Errorf("{train.Initial.File}: %w"+prefixHint(err), err)
	}
	return file, layout, nil
}

// backboneOnly is the value of initialise's heads outside of training: only training keeps the projection head.
const backboneOnly = false

// initialise loads the file's backbone into a new state, and prints one line on what became of its tensors. With heads,
// it also loads the projector of this program's checkpoints, if the whole projector fits.
func (c *Config) initialise(w io.Writer, st *meta.State, heads bool) error {
	file, layout, err := c.Initial.open()
	if err != nil {
		return err
	}
	defer file.Close()
	m, err := c.matched(file, layout, st.Backbone)
	if err != nil {
		return err
	}
	copied, said := map[string]torchscript.Stored{}, ""
	addPart(copied, model.BackbonePart, m)
	if heads && layout.Path == "" && layout.Prefix == model.BackbonePart+"." && st.Projector != nil {
		said = addProjector(copied, file, layout, st.Projector)
	}
	into := map[string]nets.NamedTensor{}
	for _, t := range st.Tensors() {
		into[t.Name] = t
	}
	if err := copyStored(file, copied, into); err != nil {
		return field.Errorf("{train.Initial.File}: %w", err)
	}
	field.Fprintf(w, "{train.Initial.File} %s: %s: %d of %d tensors taken%s%s\n", c.Initial.File, layout, len(m.Found),
		len(wanted(st.Backbone)), c.notTaken(m), said)
	return nil
}

// matched compares the file with a backbone. If the file does not fit well enough it returns an error.
func (c *Config) matched(
	file *torchscript.Weights, layout torchscript.Layout, backbone nets.Network,
) (torchscript.Match, error) {
	m, err := torchscript.Compare(file, layout, wanted(backbone))
	if err != nil {
		return m, field.Errorf("{train.Initial.File}: %w", err)
	}
	fits := m.Fits()
	if !fits && c.Initial.Partial {
		if err := c.foreignBlocks(file, layout); err != nil {
			return m, err
		}
	}
	if !fits && !c.Initial.Partial || nothingFits(m) {
		return m, c.misfit(file, m)
	}
	return m, nil
}

// addPart adds the tensors that a match found to those that are copied, under their names in the state.
func addPart(copied map[string]torchscript.Stored, part string, m torchscript.Match) {
	for name, t := range m.Found {
		copied[part+"."+name] = t
	}
}

// addProjector adds the file's projector to the tensors that are copied, if it fits, and tells whether it did.
func addProjector(
	copied map[string]torchscript.Stored, file *torchscript.Weights, layout torchscript.Layout, projector nets.Network,
) string {
	p, err := torchscript.Compare(file, torchscript.Layout{Group: layout.Group, Prefix: model.ProjectorPart + "."},
		wanted(projector))
	if err != nil || len(p.Missing)+len(p.WrongShape) > 0 {
		return "; its projector does not fit and starts anew"
	}
	addPart(copied, model.ProjectorPart, p)
	return "; its projector too"
}

// fetched returns the command that downloads an address, or "" if no command is known for the scheme.
func fetched(scheme, address string) string {
	switch scheme {
	case "http", "https":
		return fmt.Sprintf(" (curl -L -O %s)", address)
	case "s3":
		return fmt.Sprintf(" (aws s3 cp %s .)", address)
	case "gs":
		return fmt.Sprintf(" (gsutil cp %s .)", address)
	}
	return ""
}

// prefixHint names the setting that chooses one of several networks in a file. It is part of a format of field.Errorf.
func prefixHint(err error) string {
	if strings.Contains(err.Error(), "several networks") {
		return " ({train.Initial.Prefix})"
	}
	return ""
}

// counterName is the end of the names of batch counters.
const counterName = "num_batches_tracked"

// wanted lists the tensors that a network needs.
func wanted(n nets.Network) []torchscript.Wanted { return torchscript.WantedBy(n) }

// copyStored copies tensors of the file into those of the same names. It also copies them into the target network,
// which starts as a copy.
func copyStored(file *torchscript.Weights, from map[string]torchscript.Stored, into map[string]nets.NamedTensor) error {
	for name, t := range from {
		raw, err := file.Read(t)
		if err != nil {
			return err
		}
		err = torch.With(func(s *torch.Scope) error {
			x := DecodeTensor(s, raw)
			for _, n := range []string{name, "target." + name} {
				if to, ok := into[n]; ok {
					s.Copy(to.Tensor, x)
				}
			}
			return s.Err()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// DecodeTensor makes a LibTorch tensor on the CPU from a file's tensor.
func DecodeTensor(s *torch.Scope, t torchscript.Tensor) torch.Tensor {
	kind, err := torch.ElementTypeNamed(t.DType)
	if err != nil {
		s.Fail(fmt.Errorf("%s: %w", t.Name, err))
		return torch.Tensor{}
	}
	return s.FromBytes(t.Data, torch.Options{DType: kind.DType, Device: torch.CPU()}, t.Shape...)
}

// notTaken describes the tensors that were not taken as they are.
func (c *Config) notTaken(m torchscript.Match) string {
	var b strings.Builder
	for _, part := range []struct {
		what  string
		names []string
	}{{"missing", m.Missing}, {"of another shape", m.WrongShape}, {"unexpected", m.Unexpected}} {
		if len(part.names) > 0 {
			fmt.Fprintf(&b, "; %d %s (%s)", len(part.names), part.what, c.shortList(part.names))
		}
	}
	if len(m.Ignored) > 0 {
		var ignored []string
		for _, i := range m.Ignored {
			ignored = append(ignored, i.String())
		}
		fmt.Fprintf(&b, "; ignored %s", c.shortList(ignored))
	}
	for _, dtype := range slices.Sorted(maps.Keys(m.Converted)) {
		fmt.Fprintf(&b, "; %d converted from %s", m.Converted[dtype], dtype)
	}
	return b.String()
}

// shortList joins names, and shortens a long list unless Verbose is set.
func (c *Config) shortList(names []string) string {
	const most = 4
	if len(names) <= most || c.Initial.Verbose {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s, and %d more: --verbose", strings.Join(names[:most-1], ", "), len(names)-most+1)
}
