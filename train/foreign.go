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

// completeNetwork completes arch, width and stem from the tensors of the file of c.Initial.
func (c *Config) completeNetwork() error {
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
	c.completePictures()
	return nil
}

// completePictures completes the augmentation and the size of pictures, with what is usual for the stem.
func (c *Config) completePictures() {
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

// FillEncoder fills the backbone of a state from the checkpoint. For another program's network it prints one line to w,
// once.
func (k Checkpoint) FillEncoder(w io.Writer, st *meta.State) error {
	if k.foreign == nil {
		return k.Fill(st.Encoder())
	}
	if *k.foreign || w == nil {
		w = io.Discard
	}
	*k.foreign = true
	if _, ok := st.Backbone.(*nets.Scripted); ok { // it was built with the file's parameters
		fmt.Fprintf(w, "%s: a TorchScript module from pictures of %d pixels, cut and normalised as %s, to %d features\n",
			k.Path, k.Config.Size, k.Config.Augment, st.Backbone.Dim())
		return nil
	}
	return k.Config.initialise(w, st, backboneOnly)
}

// NeedsDataset returns a usage error if another program's network comes without a data set, which its file does not
// name.
func (k Checkpoint) NeedsDataset(dataset string) error {
	if k.foreign != nil && dataset == "" {
		return usage.Errorf("a network of another program needs {datasets.Name}, and {datasets.Dir} where the data is: " +
			"the file does not tell (see run datasets)")
	}
	return nil
}

// ScriptedCheckpoint is the network of a TorchScript file, with the data set and machine of c.
func ScriptedCheckpoint(file string, c Config) (Checkpoint, error) {
	k := Checkpoint{Path: file, Config: c, foreign: new(bool)}
	k.Config.completePictures()
	return k, k.Config.ResolvePaths()
}

// ForeignCheckpoint is the network of c.Initial.File. The file's tensors tell what c leaves open.
func ForeignCheckpoint(c Config) (Checkpoint, error) {
	k := Checkpoint{Path: c.Initial.File, Config: c, foreign: new(bool)}
	return k, k.Config.completeNetwork()
}

// IsForeign reports whether the network is another program's.
func (k Checkpoint) IsForeign() bool { return k.foreign != nil }
