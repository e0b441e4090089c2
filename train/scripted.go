package train

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/interventions"
	"github.com/icl-msr/icl-msr/nets"
)

// ScriptedArch is the prefix of Config.Arch before the name of a TorchScript file.
const ScriptedArch = "torchscript:"

// backbone builds the backbone that the configuration names: one of this program's, or the network of a TorchScript
// file.
func (c *Config) backbone() (nets.Encoder, error) {
	file, ok := strings.CutPrefix(c.Arch, ScriptedArch)
	if !ok {
		b, err := nets.NewBackbone(c.Arch, nets.Stem(c.Stem), c.Width)
		if err != nil {
			return nil, usage.Wrap(fmt.Errorf("%w, %sFILE", err, ScriptedArch))
		}
		return b, nil
	}
	if file == "" {
		return nil, usage.Errorf("{train.Arch} torchscript: names no file; write {train.Arch} %sbackbone.pt", ScriptedArch)
	}
	d, err := Device(c.Device)
	if err != nil {
		return nil, err
	}
	return nets.LoadScripted(file, int64(c.Size), d)
}

// ResolvePaths makes the paths of the data and of a TorchScript file absolute, so that they hold from any folder.
func (c *Config) ResolvePaths() error {
	for _, path := range c.dataPaths() {
		if *path == "" {
			continue
		}
		whole, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = whole
	}
	file, ok := strings.CutPrefix(c.Arch, ScriptedArch)
	if !ok || file == "" {
		return nil
	}
	whole, err := filepath.Abs(file)
	c.Arch = ScriptedArch + whole
	return err
}

// dataPaths returns the settings that hold a path of the data. Some settings hold either a path or a name.
func (c *Config) dataPaths() []*string {
	paths := []*string{&c.Data.Dir, &c.Data.Labels, &c.Intervene.MaskDir}
	if c.Data.Foreground != "shapes" {
		paths = append(paths, &c.Data.Foreground)
	}
	if outfile.Exists(c.Classes) {
		paths = append(paths, &c.Classes)
	}
	if s := c.Intervene.Strata; s != interventions.BorderStrata && s != interventions.KnownBackgrounds {
		paths = append(paths, &c.Intervene.Strata)
	}
	return paths
}

// trainable returns an error if a backbone cannot be trained. It prints a note to w if its batch norms behave unlike
// those of other networks.
func trainable(w io.Writer, backbone nets.Encoder) error {
	b, ok := backbone.(*nets.Scripted)
	if !ok {
		return nil
	}
	if err := b.Trainable(); err != nil {
		return err
	}
	if n := b.AlwaysRunning(); n > 0 {
		fmt.Fprintf(w, "note: %d batch norms of the TorchScript module keep its running statistics in training, since it "+
			"was traced after .eval(); torch.jit.script leaves the choice open\n", n)
	}
	return nil
}
