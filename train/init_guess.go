package train

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torchscript"
)

// guessed is the network that a file's names and shapes tell. Arch is empty if no network of this program has such
// blocks.
type guessed struct{ nets.Anatomy }

// unbuilt is the error of a network that resembles a family of this program but is not one that it builds.
type unbuilt struct {
	guessed
	error
}

// Unwrap lets package field find the settings that the error names.
func (u *unbuilt) Unwrap() error { return u.error }

func newUnbuilt(g guessed) *unbuilt {
	partly := ""
	if g.partly() {
		partly = "; or take what fits, the rest untrained: " + g.settings() + " {train.Initial.Partial}"
	}
	return &unbuilt{g, field.Errorf("it holds a %s, which is not built here (%s are)%w"+partly, g.Text,
		strings.Join(nets.Arches(), ", "), g.remedy())}
}

// remedy tells what to do with a network that this program does not build, by the channels of its pictures.
func (g guessed) remedy() error {
	switch g.Channels {
	case 0, 3:
		return field.Errorf(`: in Python model.fc = torch.nn.Identity(), torch.jit.script(model).save("net.ts"), ` +
			"and give {train.Arch} torchscript:net.ts" + g.pictures() + " in place of {train.Initial.File}")
	case 1:
		return field.Errorf(": pictures have 3 channels; in Python state_dict[%q] = "+
			"state_dict[%q].repeat(1, 3, 1, 1) / 3 does the same on gray ones", g.First, g.First)
	}
	return field.Errorf(": pictures have 3 channels")
}

// pictures returns the settings of the stem's crop and size, which a TorchScript module does not tell. They are part of
// a format of field.Errorf.
func (g guessed) pictures() string {
	if g.Stem == nets.StemImageNet {
		return " {train.Augment} imagenet {train.Size} 224"
	}
	return ""
}

// partly reports whether the network's blocks are those of one of this program's networks.
func (g guessed) partly() bool { return g.Partly(g.Arch) }

// settings returns the settings that build the network, as part of a format of field.Errorf. They name the width even
// if it is the default, since a preset may have another.
func (g guessed) settings() string {
	out := fmt.Sprintf("{train.Arch} %s {train.Width} %g", g.Arch, g.Width)
	if len(g.Stems) == 0 {
		return out
	}
	return out + " {train.Stem} " + string(g.Stem)
}

func (g guessed) stemFits(stem string) bool {
	return len(g.Stems) == 0 || slices.Contains(g.Stems, nets.Stem(stem))
}

// guess finds the architecture that has exactly the file's tensors. The error of an unknown network is *unbuilt.
func guess(file *torchscript.Weights, l torchscript.Layout) (guessed, error) {
	is, built, err := torchscript.Guess(file, l)
	if err == nil && !built {
		err = newUnbuilt(guessed{is})
	}
	return guessed{is}, err
}

// misfit is the error of a file that holds another network. It names the settings that would fit.
func (c *Config) misfit(file *torchscript.Weights, m torchscript.Match) error {
	m.Ignored, m.Converted = nil, nil
	fit, hint := fmt.Sprintf("%d tensors fit", len(m.Found)), field.Errorf("; {train.Initial.Partial} takes what fits")
	if nothingFits(m) {
		fit, hint = "nothing fits", field.Errorf("")
	}
	var other *unbuilt
	g, err := guess(file, m.Layout)
	switch {
	case errors.As(err, &other):
		return field.Errorf("{train.Initial.File} %s: %s: %w", c.Initial.File, m.Layout, err)
	case err == nil && (g.Arch != c.Arch || g.Width != c.Width || !g.stemFits(c.Stem)):
		hint = field.Errorf(": it holds a %s; give "+g.settings()+"%s%w", g.Describe(), g.otherStems(), hint)
	}
	return field.Errorf("{train.Initial.File} %s: %s: %s %s ({train.Width} %g {train.Stem} %s)%s%w",
		c.Initial.File, m.Layout, fit, c.Arch, c.Width, c.Stem, c.notTaken(m), hint)
}

// otherStems names the other stems that build the network.
func (g guessed) otherStems() (out string) {
	for _, stem := range g.Stems[min(1, len(g.Stems)):] {
		out += fmt.Sprintf(" (or %s)", stem)
	}
	return out
}

// nothingFits reports whether no tensor fits. Batch counters do not count, since every network has them.
func nothingFits(m torchscript.Match) bool {
	for name := range m.Found {
		if !strings.HasSuffix(name, counterName) {
			return false
		}
	}
	return true
}

// foreignBlocks is the error of a network whose blocks differ from this one's (deeper, wider or grouped), although some
// of its tensors would fit.
func (c *Config) foreignBlocks(file *torchscript.Weights, l torchscript.Layout) error {
	g, err := guess(file, l)
	var other *unbuilt
	if err != nil && !errors.As(err, &other) {
		return field.Errorf("{train.Initial.File}: %w", err)
	}
	_, built := nets.FamilyOf(c.Arch) // false for a TorchScript module, which is compared by names
	switch {
	case !built || g.Partly(c.Arch):
		return nil
	case other != nil && !other.partly():
		return field.Errorf("{train.Initial.File} %s: %s: it is not taken in parts as %s: %w", c.Initial.File, l, c.Arch,
			other)
	}
	return field.Errorf("{train.Initial.File} %s: %s: it holds a %s and is not taken in parts as %s: give "+g.settings(),
		c.Initial.File, l, g.Text, c.Arch)
}
