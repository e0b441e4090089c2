package train

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/nets"
)

// describe settles what flags leave open of a network from --init.
func (c *Config) describe() error {
	file, layout, err := c.Initial.open()
	if err != nil {
		return err
	}
	defer file.Close()
	if c.Arch == "" || c.Width == 0 || c.Stem == "" {
		g, err := guess(file, layout)
		var other *unbuilt
		if err != nil && !(errors.As(err, &other) && c.Initial.Partial && c.Arch != "") {
			return field.Errorf("{train.Initial.File} %s: %s: %w", c.Initial.File, layout, err)
		}
		c.Arch, c.Width, c.Stem = cmp.Or(c.Arch, g.Arch), cmp.Or(c.Width, g.Width), cmp.Or(c.Stem, string(g.Stem))
	}
	c.usual()
	return nil
}

// usual settles how pictures are cut and normalised, by the stem.
func (c *Config) usual() {
	usual := map[string]struct {
		augment string
		size    int
	}{string(nets.StemImageNet): {"imagenet", 224}, string(nets.StemSTL): {"stl10", 64}}
	u, ok := usual[c.Stem]
	if !ok {
		u.augment, u.size = "cifar", 32
	}
	if c.Augment == "" {
		c.Augment = u.augment
	}
	if c.Size == 0 {
		c.Size = u.size
	}
}

// FillEncoder fills the backbone of a state, from the checkpoint or from --init, of
// which it tells w once.
func (k Checkpoint) FillEncoder(w io.Writer, st *meta.State) error {
	if k.foreign == nil {
		return k.Fill(st.Encoder())
	}
	if *k.foreign || w == nil {
		w = io.Discard
	}
	*k.foreign = true
	if _, ok := st.Backbone.(*nets.Scripted); ok { // its parameters are the file's already
		fmt.Fprintf(w, "%s: a TorchScript module from pictures of %d pixels, cut and normalised as %s, to %d features\n",
			k.Path, k.Config.Size, k.Config.Augment, st.Backbone.Dim())
		return nil
	}
	return k.Config.initialise(w, st, backboneOnly)
}

// NeedsDataset is the usage error of --init without one.
func (k Checkpoint) NeedsDataset(dataset string) error {
	if k.foreign != nil && dataset == "" {
		return usage.Errorf("a network of another program needs {datasets.Name}, and {datasets.Dir} where the data is: " +
			"the file does not tell (see run datasets)")
	}
	return nil
}

// ScriptedCheckpoint is the network of a TorchScript file, used as c says.
func ScriptedCheckpoint(file string, c Config) (Checkpoint, error) {
	k := Checkpoint{Path: file, Config: c, foreign: new(bool)}
	k.Config.usual()
	return k, k.Config.ResolvePaths()
}

// ForeignCheckpoint is the network of c.Initial.File. What c leaves open, its tensors tell.
func ForeignCheckpoint(c Config) (Checkpoint, error) {
	k := Checkpoint{Path: c.Initial.File, Config: c, foreign: new(bool)}
	return k, k.Config.describe()
}

// IsForeign says that the network is another program's.
func (k Checkpoint) IsForeign() bool { return k.foreign != nil }
